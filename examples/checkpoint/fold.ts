// A member that folds its partitions into a state each, and keeps the states in a topic.
import { type Broker, type ConsumerGroup, type Message, PartitionMap, type Position, type Topic } from "@polylog/core";
import { type Checkpoint, latestCheckpoint } from "./checkpoint.ts";

export interface Folding<T, S> {
	readonly broker: Broker;
	readonly group: ConsumerGroup<T>;
	readonly states: Topic<Checkpoint<S>>;
	readonly initial: () => S;
	/** Where a partition begins that has no checkpoint. Default `"earliest"`. */
	readonly from?: Position;
	/** Returns the state after the messages; must not change `state`, since a batch may be tried again. */
	readonly fold: (state: S, messages: readonly Message<T>[]) => S | Promise<S>;
	/** Messages between two checkpoints. */
	readonly batch: number;
}

/** Resolves when the broker is closed. The group's own commits only tell how far it is: a new owner starts at the checkpoint. */
export async function foldPartitions<T, S>({
	broker,
	group,
	states,
	initial,
	from = "earliest",
	fold,
	batch,
}: Folding<T, S>): Promise<void> {
	const known = new PartitionMap<S>();
	const written = broker.producer(states);
	const member = await group.join({
		onAssigned: async (partitions, self) => {
			for (const partition of partitions) {
				const checkpoint = await latestCheckpoint(broker, states, partition);
				known.set(partition, checkpoint?.state ?? initial());
				await self.seek(checkpoint ? { offset: BigInt(checkpoint.next) } : from, [partition]);
			}
		},
	});
	await member.runBatches(
		async ({ partition, messages, fence }) => {
			const state = await fold(known.get(partition) ?? initial(), messages);
			const next = (messages.at(-1)?.offset ?? -1n) + 1n;
			await written.send({ next: `${next}`, fence: `${fence}`, state }, { partition: partition.index });
			known.set(partition, state);
		},
		{ maxMessages: batch, commitIntervalMs: 250 },
	);
}

// A member that folds its partitions into a state each, and keeps the states in a topic.
import { type Broker, type ConsumerGroup, type Message, PartitionMap, type Topic } from "@polylog/core";
import { type Checkpoint, latestCheckpoint } from "./checkpoint.ts";

export interface Folding<T, S> {
	readonly broker: Broker;
	readonly group: ConsumerGroup<T>;
	readonly states: Topic<Checkpoint<S>>;
	readonly initial: () => S;
	/** Returns the state after the messages; must not change `state`, since a batch may be tried again. */
	readonly fold: (state: S, messages: readonly Message<T>[]) => S | Promise<S>;
	/** Messages between two checkpoints. */
	readonly batch: number;
}

/**
 * Resolves when the broker is closed. A new owner begins at the group's committed offset, which is never beyond the
 * checkpoint, and leaves out what the checkpoint has already.
 */
export async function foldPartitions<T, S>({ broker, group, states, initial, fold, batch }: Folding<T, S>): Promise<void> {
	const known = new PartitionMap<Pick<Checkpoint<S>, "next" | "state">>();
	const written = broker.producer(states);
	const member = await group.join({
		onAssigned: async (partitions) => {
			for (const partition of partitions)
				known.set(partition, (await latestCheckpoint(broker, states, partition)) ?? { next: "0", state: initial() });
		},
	});
	await member.runBatches(
		async ({ partition, messages, fence }) => {
			const before = known.get(partition) ?? { next: "0", state: initial() };
			const fresh = messages.filter(({ offset }) => offset >= BigInt(before.next));
			const last = fresh.at(-1);
			if (!last) return;
			const after = { next: `${last.offset + 1n}`, fence: `${fence}`, state: await fold(before.state, fresh) };
			await written.send(after, { partition: partition.index });
			known.set(partition, after);
		},
		{ maxMessages: batch, commitIntervalMs: 250 },
	);
}

// One member of the mergers: of all records of one movie, the archive's first row stays, whatever came first.
import { type Broker, type Partition, PartitionMap } from "@polylog/core";
import { sendAll } from "../crew/send-all.ts";
import { type Best, merge } from "./merge.ts";
import type { Movie } from "./movie.ts";
import { cleanMovies, mergers, parsedMovies, rejectedMovies } from "./topics.ts";

const BATCH = 100;

export async function mergeInto(broker: Broker, run: string): Promise<void> {
	const group = broker.producerGroup(`${run}-mergers`);
	const winners = group.producer(cleanMovies(run));
	const losers = group.producer(rejectedMovies(run));
	const known = new PartitionMap<Best>();
	const member = await mergers(broker, run).join({
		// The state of a partition is what its log says up to here: a new owner reads it again.
		onAssigned: async (partitions) => {
			const committed = await mergers(broker, run).committed();
			for (const partition of partitions) known.set(partition, await bestUntil(broker, run, partition, committed.get(partition)));
		},
	});
	await member.runBatches(
		async ({ partition, messages }) => {
			const before = known.get(partition) ?? new Map<string, Movie>();
			const { best, beaten } = merge(
				before,
				messages.map(({ value }) => value),
			);
			const changed = [...best.values()].filter((movie) => before.get(movie.key) !== movie);
			await Promise.all([
				sendAll(
					winners,
					changed.map((value) => ({ value })),
				),
				sendAll(
					losers,
					beaten.map((movie) => ({ value: { id: movie.id, reasons: [`duplicate of ${movie.key}`], row: movie } })),
				),
			]);
			// Only now: a batch that failed is merged again.
			known.set(partition, best);
		},
		{ maxMessages: BATCH, commitIntervalMs: 250 },
	);
}

async function bestUntil(broker: Broker, run: string, partition: Partition, offset: bigint | undefined): Promise<Best> {
	if (offset === undefined) return new Map();
	const movies: Movie[] = [];
	for await (const { value } of broker.read(parsedMovies(run), { partition: partition.index, to: { offset } })) movies.push(value);
	return merge(new Map(), movies).best;
}

// Where a source goes on after it was stopped.
import type { Broker, Topic } from "@polylog/core";

/**
 * How many rows of a source, sent in the order of their numbers, are stored for certain. Every partition holds its rows
 * in that order, so all up to the lowest of the partitions' last numbers are there; a few after it may be too, and are
 * sent again: whoever processes them knows them by their numbers.
 */
export async function rowsStored<T>(broker: Broker, topic: Topic<T>, rowOf: (value: T) => number): Promise<number> {
	const { partitions } = await broker.topics.ensure(topic);
	const last = await Promise.all(
		partitions.map(async ({ index, earliest, end }) => {
			if (end === earliest) return -1;
			for await (const { value } of broker.read(topic, { partition: index, from: { offset: end - 1n }, to: { offset: end } }))
				return rowOf(value);
			return -1;
		}),
	);
	return Math.min(...last) + 1;
}

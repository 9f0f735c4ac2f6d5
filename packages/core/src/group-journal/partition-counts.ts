import type { TopicStore } from "../driver/driver.ts";

/** How many partitions each topic has; topics that do not exist are left out. */
export async function partitionCounts(
	topics: Pick<TopicStore, "describe">,
	names: Iterable<string>,
	signal?: AbortSignal,
): Promise<Map<string, number>> {
	const described = await Promise.all([...names].map((name) => topics.describe(name, signal)));
	return new Map(described.filter((topic) => topic !== undefined).map(({ topic, partitions }) => [topic, partitions.length]));
}

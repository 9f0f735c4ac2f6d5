/** One ordered log of a topic: `index` counts from 0. Compare with `samePartition`, or by `partitionKey`. */
export interface Partition {
	readonly topic: string;
	readonly index: number;
}

/** `topic/index`: unique, since a topic's name cannot hold a slash. Used for maps, logs and the journal. */
export function partitionKey(partition: Partition): string {
	return `${partition.topic}/${partition.index}`;
}

/** The reverse of `partitionKey`. */
export function parsePartitionKey(key: string): Partition {
	const slash = key.lastIndexOf("/");
	const index = Number(key.slice(slash + 1));
	if (slash < 1 || !Number.isSafeInteger(index) || index < 0) throw new RangeError(`not a partition: ${key}`);
	return { topic: key.slice(0, slash), index };
}

export function samePartition(a: Partition, b: Partition): boolean {
	return a.index === b.index && a.topic === b.topic;
}

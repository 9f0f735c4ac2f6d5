// Pure: what was seen of a group, and the part of it that a partition can be judged by.
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { PartitionMap } from "../partition-map.ts";

/** One partition at one moment. */
export interface PartitionSample {
	readonly partition: Partition;
	/** Where the group stands: committed, or where it would start. `undefined`: unknown. Read before the end was. */
	readonly position: Offset | undefined;
	readonly earliest: Offset;
	readonly end: Offset;
	/** Records retained, where the broker tells it. */
	readonly records: number | undefined;
	readonly owner: string | undefined;
}

export interface GroupSample {
	readonly atMs: number;
	readonly members: number;
	readonly partitions: PartitionMap<PartitionSample>;
}

/** A count at a moment, to take a rate from. */
export interface Point {
	readonly atMs: number;
	readonly count: bigint;
}

export interface Track {
	readonly latest: PartitionSample;
	readonly positions: readonly Point[];
	readonly ends: readonly Point[];
}

/** What the samples say of one partition since it was last reset or made again: before that they tell of something else. */
export function trackOf(samples: readonly GroupSample[], partition: Partition): Track | undefined {
	const latest = samples.at(-1)?.partitions.get(partition);
	if (!latest) return undefined;
	const positions: Point[] = [];
	const ends: Point[] = [];
	for (const { atMs, partitions } of samples) {
		const sample = partitions.get(partition);
		if (!sample) continue;
		const backwards = sample.end < (ends.at(-1)?.count ?? 0n) || (sample.position ?? 0n) < (positions.at(-1)?.count ?? 0n);
		if (backwards) {
			positions.length = 0;
			ends.length = 0;
		}
		ends.push({ atMs, count: sample.end });
		if (sample.position !== undefined) positions.push({ atMs, count: sample.position });
	}
	return { latest, positions, ends };
}

// When a group has come to rest.
import type { Message, Offset, Partition } from "@polylog/core";
import { partitionKey, samePartition } from "@polylog/core";
import { until } from "./time.ts";

/** Anything with an assignment: a member, or what a test says of one. */
export interface Owner {
	readonly assignment: readonly Partition[];
}

export const ownedBy = (member: Owner): string[] => member.assignment.map(partitionKey).sort((a, b) => a.localeCompare(b));

/** Waits until each of `partitions` partitions has exactly one owner among the members, and shares differ by one at most. */
export async function untilBalanced(members: readonly Owner[], partitions: number, ms = 10_000): Promise<void> {
	const shares = () => members.map((member) => member.assignment.length);
	const balanced = () => {
		const owned = members.flatMap(ownedBy);
		return owned.length === partitions && new Set(owned).size === partitions && Math.max(...shares()) - Math.min(...shares()) <= 1;
	};
	await until(balanced, () => `${partitions} partitions were shared among ${members.length} members (${shares().join(", ")})`, ms);
}

/** What the group has committed there, as an onlooker sees it. */
export async function committedAt(
	group: { committed(): Promise<ReadonlyMap<Partition, Offset>> },
	partition: Partition,
): Promise<Offset | undefined> {
	for (const [known, offset] of await group.committed()) if (samePartition(known, partition)) return offset;
	return undefined;
}

/**
 * Whether a group that stands there is handed `next` first and has been handed `previous`: with gaps between offsets
 * that is more than one place.
 */
export const standsBetween = (committed: Offset | undefined, previous: Offset, next: Offset): boolean =>
	committed !== undefined && committed > previous && committed <= next;

/** The first offset after a message: what a commit of it stands for is at least its own offset and one. */
export const after = (message: Pick<Message<unknown>, "offset">): Offset => message.offset + 1n;

// Keeps what members have, and moves only what balance needs. The default.
import type { AssignmentRequest, Assignor } from "../../driver/group-session.ts";
import { type Partition, partitionKey } from "../../partition.ts";
import { allPartitions } from "./partitions.ts";

interface Share {
	readonly id: string;
	readonly topics: ReadonlySet<string>;
	readonly partitions: Partition[];
}

/**
 * A join moves at most ceil(partitions / members), a leave only what the leaver had. Members with the same topics end
 * at most one partition apart; with different topics, as near to each other as their topics allow.
 */
export const stickyAssignor: Assignor = {
	name: "sticky",
	assign(request) {
		const shares = request.members.map(({ id, topics }): Share => ({ id, topics: new Set(topics), partitions: [] }));
		const all = allPartitions(request);
		const kept = keepOwned(request, shares, all);
		const free = all.filter((partition) => !kept.has(partitionKey(partition)));
		// Those that few can take come first: the others can make up for it.
		const takers = new Map(free.map((partition) => [partition, shares.filter((share) => mayTake(request, share, partition))]));
		free.sort((a, b) => (takers.get(a)?.length ?? 0) - (takers.get(b)?.length ?? 0));
		for (const partition of free) leastLoaded(takers.get(partition) ?? [])?.partitions.push(partition);
		while (improve(request, shares));
		return new Map(shares.map(({ id, partitions }) => [id, partitions]));
	},
};

function keepOwned(request: AssignmentRequest, shares: readonly Share[], all: readonly Partition[]): Set<string> {
	const known = new Set(all.map(partitionKey));
	const kept = new Set<string>();
	for (const [i, { owned }] of request.members.entries()) {
		const share = shares[i];
		for (const partition of owned) {
			const key = partitionKey(partition);
			if (!share || kept.has(key) || !known.has(key) || !mayTake(request, share, partition)) continue;
			kept.add(key);
			share.partitions.push(partition);
		}
	}
	return kept;
}

function mayTake(request: AssignmentRequest, share: Share, partition: Partition): boolean {
	return share.topics.has(partition.topic) && !request.excluded(share.id, partition);
}

/** The first of those with the fewest. */
function leastLoaded(shares: readonly Share[]): Share | undefined {
	let least: Share | undefined;
	for (const share of shares) if (!least || share.partitions.length < least.partitions.length) least = share;
	return least;
}

/** Takes one partition from a member that has at least two more than another; false if there is nothing to gain. */
function improve(request: AssignmentRequest, shares: readonly Share[]): boolean {
	const byLoad = shares.toSorted((a, b) => b.partitions.length - a.partitions.length);
	for (const from of byLoad) {
		const least = byLoad.at(-1);
		if (!least || from.partitions.length - least.partitions.length < 2) return false;
		const path = pathFrom(request, from, byLoad);
		if (!path) continue;
		for (const { giver, taker, partition } of path) {
			giver.partitions.splice(giver.partitions.indexOf(partition), 1);
			taker.partitions.push(partition);
		}
		return true;
	}
	return false;
}

interface Move {
	readonly giver: Share;
	readonly taker: Share;
	readonly partition: Partition;
}

/** The shortest chain of moves that ends at a member with at least two fewer; with equal topics that is one move. */
function pathFrom(request: AssignmentRequest, from: Share, byLoad: readonly Share[]): Move[] | undefined {
	const reached = new Map<Share, Move[]>([[from, []]]);
	const queue = [from];
	// The list grows while it is walked: breadth first.
	for (const giver of queue) {
		for (const taker of byLoad.toReversed()) {
			if (reached.has(taker)) continue;
			const partition = giver.partitions.findLast((candidate) => mayTake(request, taker, candidate));
			if (!partition) continue;
			const path = [...(reached.get(giver) ?? []), { giver, taker, partition }];
			if (from.partitions.length - taker.partitions.length >= 2) return path;
			reached.set(taker, path);
			queue.push(taker);
		}
	}
	return undefined;
}

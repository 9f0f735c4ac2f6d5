// The leader's work: who gets which partition, with the group's Assignor. Pure.
//
// Cooperative: a partition that moves is given to nobody in this round; its owner gives it up, joins again, and then it is
// free. So members go on with what they keep, and nobody owns what another has not let go of yet.
import { type AssignmentRequest, type Assignor, type Partition, partitionKey } from "@polylog/core/driver";
import type { Subscription } from "./consumer-protocol.ts";

export interface PlanningMember {
	readonly id: string;
	readonly subscription: Subscription;
}

export interface PlanRequest {
	readonly members: readonly PlanningMember[];
	/** Partitions of each topic that exists. */
	readonly counts: ReadonlyMap<string, number>;
	readonly assignor: Assignor;
	readonly cooperative: boolean;
}

export function plan({ members, counts, assignor, cooperative }: PlanRequest): ReadonlyMap<string, readonly Partition[]> {
	const ordered = members.toSorted(byJoining);
	const owners = ownersOf(ordered);
	const request: AssignmentRequest = {
		members: ordered.map(({ id, subscription }) => ({
			id,
			topics: subscription.topics,
			owned: subscription.owned.filter((partition) => owners.get(partitionKey(partition)) === id),
		})),
		topics: counts,
		excluded: (member, partition) => {
			const found = ordered.find(({ id }) => id === member);
			return found?.subscription.excluded.some((other) => other.topic === partition.topic && other.index === partition.index) ?? false;
		},
	};
	const wanted = assignor.assign(request);
	const given = new Set<string>();
	return new Map(
		ordered.map(({ id }) => {
			const share = (wanted.get(id) ?? []).filter((partition) => {
				const key = partitionKey(partition);
				if (given.has(key) || partition.index >= (counts.get(partition.topic) ?? 0)) return false;
				given.add(key);
				const owner = owners.get(key);
				return !cooperative || owner === undefined || owner === id;
			});
			return [id, share];
		}),
	);
}

/** Of two that claim one partition the one of the later generation owns it; of the same generation, neither. */
function ownersOf(members: readonly PlanningMember[]): ReadonlyMap<string, string> {
	const claims = new Map<string, { owner: string | undefined; readonly generation: number }>();
	for (const { id, subscription } of members) {
		for (const partition of subscription.owned) {
			const key = partitionKey(partition);
			const other = claims.get(key);
			if (!other || subscription.generation > other.generation) claims.set(key, { owner: id, generation: subscription.generation });
			else if (subscription.generation === other.generation) other.owner = undefined;
		}
	}
	return new Map([...claims].flatMap(([key, { owner }]) => (owner === undefined ? [] : [[key, owner]])));
}

function byJoining(a: PlanningMember, b: PlanningMember): number {
	const [x, y] = [a.subscription.since ?? Infinity, b.subscription.since ?? Infinity];
	if (x !== y) return x < y ? -1 : 1;
	return a.id < b.id ? -1 : 1;
}

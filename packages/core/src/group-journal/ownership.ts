// Moves of partitions inside the fold. Two invariants live here: owner and target are always live members, and a free
// partition with a target never stays free.
import type { GroupState, PartitionKey, TombKind } from "./state.ts";
import { TOMBSTONES } from "./timing.ts";

/** Grants the partition under a new fence, whoever had it. */
export function giveTo(state: GroupState, partition: PartitionKey, member: string): void {
	state.owner.set(partition, { member, fence: state.index });
	state.turn++;
}

export function free(state: GroupState, partition: PartitionKey): void {
	state.owner.delete(partition);
	state.turn++;
}

/** A free partition goes to its target. */
export function settle(state: GroupState, partition: PartitionKey): void {
	const target = state.target.get(partition);
	if (target !== undefined && !state.owner.has(partition)) giveTo(state, partition, target);
}

export function bar(state: GroupState, member: string, partition: PartitionKey): void {
	const members = state.barred.get(partition);
	if (members) members.add(member);
	else state.barred.set(partition, new Set([member]));
}

/** From any partition. */
export function isBarred(state: GroupState, member: string): boolean {
	return [...state.barred.values()].some((members) => members.has(member));
}

/** Forgets the member and remembers that its id is used up. What it owned is left to the caller. */
export function bury(state: GroupState, member: string, kind: TombKind): void {
	state.members.delete(member);
	state.tombs.set(member, { index: state.index, kind });
	for (const [partition, members] of state.barred) {
		if (members.delete(member) && members.size === 0) state.barred.delete(partition);
	}
	for (const [id, tomb] of state.tombs) {
		if (state.tombs.size <= TOMBSTONES) break;
		state.tombs.delete(id);
		state.horizon = tomb.index;
	}
}

export function removeMember(state: GroupState, member: string, kind: TombKind): void {
	bury(state, member, kind);
	state.epoch++;
	state.turn++;
	for (const [partition, target] of state.target) if (target === member) state.target.delete(partition);
	for (const [partition, owner] of state.owner) {
		if (owner.member !== member) continue;
		free(state, partition);
		settle(state, partition);
	}
}

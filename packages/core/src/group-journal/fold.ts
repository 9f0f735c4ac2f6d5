// The fold: (state, entry) -> state. Deterministic, no I/O, no time; updates the state in place. It is the only arbiter of
// who is a member, who owns what and which commit counts. Each event is judged against the state it meets.
import { mixChain } from "./chain.ts";
import type { AdminEntry, CommitItem, Entry, GroupEvent, Held, JoinEvent, MemberEntry, ResetEvent, SnapshotEntry } from "./entry.ts";
import { bar, bury, free, giveTo, isBarred, removeMember, settle } from "./ownership.ts";
import type { GroupState, MemberState, PartitionKey } from "./state.ts";

/** Takes in one entry. `undefined`: its bytes could not be decoded; it still counts. */
export function applyEntry(state: GroupState, entry: Entry | undefined, bytes: Uint8Array): void {
	state.index++;
	state.total += bytes.byteLength;
	state.chain = mixChain(state.chain, bytes);
	switch (entry?.kind) {
		case "member":
			return applyMember(state, entry);
		case "admin":
			return applyAdmin(state, entry);
		case "snapshot":
			return applySnapshot(state, entry, bytes.byteLength);
		case "ask":
			state.asked = true;
			return;
		default:
	}
}

function applyMember(state: GroupState, entry: MemberEntry): void {
	const [first, ...rest] = entry.events;
	const joins = first?.type === "join" && join(state, entry, first);
	const member = state.members.get(entry.member);
	// A zombie, a late repeat, or somebody who was buried.
	if (!member || (first?.type === "join" && !joins)) return;
	if (!joins && !accept(state, member, entry)) return;
	for (const event of joins ? rest : entry.events) {
		if (!state.members.has(entry.member)) return;
		one(state, entry.member, event);
	}
}

/** Counts the entry as a sign of life, unless it is a repeat. */
function accept(state: GroupState, member: MemberState, entry: MemberEntry): boolean {
	if (entry.seq <= member.seq) return false;
	if (entry.seq > member.seq + 1) {
		// The author has read an entry of its own that this log no longer holds: the log was cut back.
		removeMember(state, entry.member, "gap");
		return false;
	}
	member.seq = entry.seq;
	member.last = state.index;
	member.wall = entry.wall;
	return true;
}

function one(state: GroupState, author: string, event: GroupEvent): void {
	switch (event.type) {
		case "commit":
			for (const item of event.items) commit(state, author, item);
			return;
		case "release":
			for (const item of event.items) if (holds(state, author, item)) release(state, item.partition);
			return;
		case "abandon":
			for (const item of event.items) if (holds(state, author, item)) abandon(state, author, item.partition);
			return;
		case "returned":
			for (const partition of event.partitions) returned(state, author, partition);
			return;
		case "leave":
			return removeMember(state, author, "left");
		case "expire":
			return expire(state, author, event.member, event.last);
		case "topics":
			return grow(state, event.counts);
		case "plan":
			return plan(state, event.epoch, event.assigned);
		case "era":
			return raiseEra(state, event.seen, event.to, event.lost);
		case "join":
		case "reset":
	}
}

function join(state: GroupState, entry: MemberEntry, event: JoinEvent): boolean {
	if (state.members.has(entry.member) || state.tombs.has(entry.member) || entry.at < state.horizon) return false;
	if (isLate(state, entry, event)) return false;
	// The first member of a group that has none starts an era: nothing of a former one can be told from here.
	if (state.members.size === 0) raiseEra(state, state.era, Math.max(event.era, state.era + 1), false);
	const replaced = [...state.members].filter(
		([id, other]) => id === event.previous || (event.instanceId !== undefined && other.instanceId === event.instanceId),
	);
	state.members.set(entry.member, {
		instanceId: event.instanceId,
		clientId: event.clientId,
		topics: event.topics,
		sessionTimeoutMs: event.sessionTimeoutMs,
		version: event.version,
		join: state.index,
		last: state.index,
		seq: entry.seq,
		wall: entry.wall,
	});
	// What a former one must not have, this one may.
	const freed = replaced.some(([id]) => isBarred(state, id));
	for (const [id] of replaced) inherit(state, id, entry.member);
	const unchanged = replaced.length > 0 && !freed && replaced.every(([, other]) => sameTopics(other.topics, event.topics));
	if (!unchanged) state.epoch++;
	for (const partition of event.barred) keepFrom(state, entry.member, partition);
	return true;
}

/**
 * Written before the present holder of its `instanceId` had joined, or for a journal that was lost since: that one must not
 * go for it. The join of a process that died may arrive after its successor's; an author that lives looks again, and joins
 * anew.
 */
function isLate(state: GroupState, entry: MemberEntry, { instanceId, previous, era }: JoinEvent): boolean {
	if (instanceId === undefined) return false;
	for (const [id, other] of state.members) {
		if (id !== previous && other.instanceId === instanceId && (entry.at < other.join || era <= state.era)) return true;
	}
	return false;
}

/** The heir takes the place of `former`; what that was giving up goes to where it was going. */
function inherit(state: GroupState, former: string, heir: string): void {
	for (const [partition, target] of state.target) if (target === former) state.target.set(partition, heir);
	bury(state, former, "replaced");
	state.turn++;
	for (const [partition, owner] of state.owner) {
		if (owner.member === former) giveTo(state, partition, state.target.get(partition) ?? heir);
	}
}

function keepFrom(state: GroupState, member: string, partition: PartitionKey): void {
	bar(state, member, partition);
	if (state.owner.get(partition)?.member === member) free(state, partition);
	if (state.target.get(partition) === member) {
		state.target.delete(partition);
		state.epoch++;
	}
	settle(state, partition);
}

function sameTopics(a: readonly string[], b: readonly string[]): boolean {
	return a.length === b.length && a.every((topic) => b.includes(topic));
}

function holds(state: GroupState, author: string, item: Held): boolean {
	const owner = state.owner.get(item.partition);
	// A grant of this very entry cannot be known to its author; passing it on would repeat the fence.
	return owner !== undefined && owner.member === author && owner.fence === item.fence && owner.fence !== state.index;
}

function commit(state: GroupState, author: string, item: CommitItem): void {
	if (!holds(state, author, item)) return;
	const before = state.offsets.get(item.partition);
	if (before && item.offset < before.offset && !item.rewind) return;
	state.offsets.set(item.partition, { offset: item.offset, index: state.index, last: item.last });
}

function release(state: GroupState, partition: PartitionKey): void {
	free(state, partition);
	settle(state, partition);
}

function abandon(state: GroupState, author: string, partition: PartitionKey): void {
	bar(state, author, partition);
	if (state.target.get(partition) === author) {
		state.target.delete(partition);
		state.epoch++;
	}
	release(state, partition);
}

function returned(state: GroupState, author: string, partition: PartitionKey): void {
	const members = state.barred.get(partition);
	if (!members?.delete(author)) return;
	if (members.size === 0) state.barred.delete(partition);
	// Also where somebody else took it: the shares are to be even again.
	state.epoch++;
}

function expire(state: GroupState, author: string, accused: string, last: number): void {
	if (accused !== author && state.members.get(accused)?.last === last) removeMember(state, accused, "expired");
}

function grow(state: GroupState, counts: readonly (readonly [string, number])[]): void {
	let grown = false;
	for (const [topic, count] of counts) {
		if (count <= (state.topics.get(topic) ?? 0)) continue;
		state.topics.set(topic, count);
		grown = true;
	}
	if (grown) state.epoch++;
}

function plan(state: GroupState, epoch: number, assigned: readonly (readonly [PartitionKey, string])[]): void {
	if (epoch !== state.epoch || state.planned === epoch || !isPlannable(state, assigned)) return;
	state.target = new Map(assigned);
	state.planned = epoch;
	state.turn++;
	for (const partition of state.target.keys()) settle(state, partition);
}

function isPlannable(state: GroupState, assigned: readonly (readonly [PartitionKey, string])[]): boolean {
	const seen = new Set<PartitionKey>();
	return assigned.every(([partition, member]) => {
		if (seen.has(partition) || state.barred.get(partition)?.has(member)) return false;
		seen.add(partition);
		const slash = partition.lastIndexOf("/");
		const topic = partition.slice(0, slash);
		return (
			state.members.get(member)?.topics.includes(topic) === true && Number(partition.slice(slash + 1)) < (state.topics.get(topic) ?? 0)
		);
	});
}

/** Only over the eras the author has seen: whoever else found the same loss raises it once, not twice. */
function raiseEra(state: GroupState, seen: number, to: number, lost: boolean): void {
	if (lost && state.lostAt === 0) state.lostAt = state.index;
	if (seen < state.era || to <= seen) return;
	state.era = to;
	for (const [partition, owner] of state.owner) giveTo(state, partition, owner.member);
}

function applyAdmin(state: GroupState, entry: AdminEntry): void {
	for (const event of entry.events) {
		if (event.type === "reset") reset(state, event);
		else if (event.type === "expire") expire(state, "", event.member, event.last);
	}
}

function reset(state: GroupState, { partition, offset, ifIndex, ifFence }: ResetEvent): void {
	const owner = state.owner.get(partition);
	if ((owner?.fence ?? 0) !== ifFence || owner?.fence === state.index) return;
	// Under an owner the fence says enough, and the offset changes with each of its commits.
	if (!owner && (state.offsets.get(partition)?.index ?? 0) !== ifIndex) return;
	state.offsets.set(partition, { offset, index: state.index, last: undefined });
	// The same member starts again from there under a new fence.
	if (owner) giveTo(state, partition, owner.member);
}

function applySnapshot(state: GroupState, entry: SnapshotEntry, bytes: number): void {
	const { index, total } = entry.state;
	// Late, or from a log that went another way.
	if (index <= state.snapshot.index || index >= state.index || total >= state.total) return;
	state.snapshot = { index, total, bytes, asOf: entry.asOf, previous: state.snapshot.asOf };
	state.asked = false;
}

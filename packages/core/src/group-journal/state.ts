// What a prefix of the journal means: the same for every reader of the same prefix.

/** `partitionKey` of a partition. */
export type PartitionKey = string;

export interface GroupState {
	/** Entries read, accepted or not: dense, unlike positions. Fences, ranks and silence are measured in it. */
	index: number;
	/** Running checksum over all entries. */
	chain: number;
	/** Bytes of all entries. */
	total: number;
	/** Rises when the journal was lost or cut back, so that a fence never comes again. */
	era: number;
	/** Index at which a member said that the committed offsets it knew are gone; 0: never. */
	lostAt: number;
	/** Rises with whatever asks for a new plan. */
	epoch: number;
	/** The epoch of the last accepted plan. */
	planned: number;
	members: Map<string, MemberState>;
	/** Partition counts. Never shrink. */
	topics: Map<string, number>;
	/** Who shall own it: always a live member. */
	target: Map<PartitionKey, string>;
	/** Who owns it: always a live member. Revoking where it differs from the target. */
	owner: Map<PartitionKey, Ownership>;
	offsets: Map<PartitionKey, CommitState>;
	/** Members whose handler of the partition still runs although they gave it up. */
	barred: Map<PartitionKey, Set<string>>;
	/** Ids that never join again; insertion order, bounded. */
	tombs: Map<string, Tomb>;
	/** Index of the last forgotten tombstone: a join written before it is stale. */
	horizon: number;
	snapshot: SnapshotState;
	/** A reader waits for a snapshot. */
	asked: boolean;
	/** Changes of target or owner seen by this object. Tells a session to look; no part of the meaning. */
	turn: number;
}

export interface MemberState {
	instanceId: string | undefined;
	clientId: string;
	topics: readonly string[];
	sessionTimeoutMs: number;
	version: number;
	/** Index of its join: its rank. */
	join: number;
	/** Index of its last accepted entry. */
	last: number;
	/** The number of its last accepted entry. */
	seq: number;
	/** Wall clock in its last accepted entry: a hint for outsiders, never decides by itself. */
	wall: number;
}

export interface Ownership {
	member: string;
	/** Index of the entry that granted it. */
	fence: number;
}

export interface CommitState {
	offset: bigint;
	/** Index of the last change. */
	index: number;
	last: { readonly offset: bigint; readonly digest: string } | undefined;
}

export type TombKind = "left" | "expired" | "replaced" | "gap";

export interface Tomb {
	readonly index: number;
	readonly kind: TombKind;
}

export interface SnapshotState {
	/** Of the newest accepted snapshot: index and total it stands for, its size, the position it was taken at. */
	index: number;
	total: number;
	bytes: number;
	asOf: bigint | undefined;
	/** Where the one before it was taken: entries before that may go. */
	previous: bigint | undefined;
}

export function emptyState(): GroupState {
	return {
		index: 0,
		chain: 0,
		total: 0,
		era: 0,
		lostAt: 0,
		epoch: 0,
		planned: 0,
		members: new Map(),
		topics: new Map(),
		target: new Map(),
		owner: new Map(),
		offsets: new Map(),
		barred: new Map(),
		tombs: new Map(),
		horizon: 0,
		snapshot: { index: 0, total: 0, bytes: 0, asOf: undefined, previous: undefined },
		asked: false,
		turn: 0,
	};
}

/** The token handed to handlers. Rises with every grant of a partition, also across a lost journal. */
export function fenceOf(state: GroupState, ownership: Ownership): bigint {
	return (BigInt(state.era) << 64n) | BigInt(ownership.fence);
}

/** Members in the order of joining: place 0 leads. */
export function membersByRank(state: GroupState): [string, MemberState][] {
	return [...state.members].sort(([, a], [, b]) => a.join - b.join);
}

export function rankOf(state: GroupState, memberId: string): number {
	const join = state.members.get(memberId)?.join ?? Number.POSITIVE_INFINITY;
	let rank = 0;
	for (const member of state.members.values()) if (member.join < join) rank++;
	return rank;
}

/** The shortest session timeout of the group: everybody beats fast enough for it. */
export function shortestTimeout(state: GroupState): number {
	let shortest = Number.POSITIVE_INFINITY;
	for (const member of state.members.values()) shortest = Math.min(shortest, member.sessionTimeoutMs);
	return shortest;
}

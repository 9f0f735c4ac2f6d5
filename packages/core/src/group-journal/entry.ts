// The entries of the journal: what members, administrators and readers can say.
import type { GroupState, PartitionKey } from "./state.ts";

export type Entry = MemberEntry | AdminEntry | SnapshotEntry | NoteEntry;

/** One batch of a member: numbered, applied once, each event valid or not on its own. */
export interface MemberEntry {
	readonly kind: "member";
	readonly member: string;
	readonly seq: number;
	/** Index and chain the author had seen. */
	readonly at: number;
	readonly chain: number;
	readonly wall: number;
	/** Malformed or unknown events are left out. None at all is a beat. */
	readonly events: readonly GroupEvent[];
}

/** Of somebody who is no member. Repeats do no harm: each event names what it has seen. */
export interface AdminEntry {
	readonly kind: "admin";
	readonly nonce: string;
	readonly events: readonly GroupEvent[];
}

export interface SnapshotEntry {
	readonly kind: "snapshot";
	readonly nonce: string;
	/** Position and checksum of the entry after which `state` was true. */
	readonly asOf: bigint;
	readonly digest: number;
	readonly state: GroupState;
}

/** `ask`: somebody needs a snapshot. `mark`: finds the tail. */
export interface NoteEntry {
	readonly kind: "ask" | "mark";
	readonly nonce: string;
}

export interface CommitItem {
	readonly partition: PartitionKey;
	readonly fence: number;
	readonly offset: bigint;
	readonly last: { readonly offset: bigint; readonly digest: string } | undefined;
	readonly rewind: boolean;
}

export interface Held {
	readonly partition: PartitionKey;
	readonly fence: number;
}

export type GroupEvent =
	| JoinEvent
	| { readonly type: "leave" }
	| { readonly type: "commit"; readonly items: readonly CommitItem[] }
	| { readonly type: "release"; readonly items: readonly Held[] }
	| { readonly type: "abandon"; readonly items: readonly Held[] }
	| { readonly type: "returned"; readonly partitions: readonly PartitionKey[] }
	| { readonly type: "expire"; readonly member: string; readonly last: number }
	| { readonly type: "topics"; readonly counts: readonly (readonly [string, number])[] }
	| { readonly type: "plan"; readonly epoch: number; readonly assigned: readonly (readonly [PartitionKey, string])[] }
	| { readonly type: "era"; readonly seen: number; readonly to: number; readonly lost: boolean }
	| ResetEvent;

export interface JoinEvent {
	readonly type: "join";
	readonly instanceId: string | undefined;
	readonly clientId: string;
	readonly topics: readonly string[];
	readonly sessionTimeoutMs: number;
	readonly version: number;
	/** The era if the group has no members yet. */
	readonly era: number;
	/** The author's former id: replaced at once. */
	readonly previous: string | undefined;
	/** Partitions whose handler of a former id still runs. */
	readonly barred: readonly PartitionKey[];
}

export interface ResetEvent {
	readonly type: "reset";
	readonly partition: PartitionKey;
	readonly offset: bigint;
	/** The author saw the offset last changed at this index, and this owner's fence (0: none). */
	readonly ifIndex: number;
	readonly ifFence: number;
}

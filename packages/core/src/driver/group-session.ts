// How members of a group share partitions: one contract with two implementations, Kafka's own protocol and the
// group journal. Nothing above it may know which it has.
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";

export interface GroupCoordinator {
	/**
	 * Becomes a member. Resolves when the coordinator has taken it in; partitions come later through the listener.
	 * From then on the session keeps itself alive: it re-joins after being expired, and says so by `lost`.
	 */
	join(request: JoinRequest, listener: SessionListener, signal?: AbortSignal): Promise<GroupSession>;
	/** `undefined` if there is no such group. */
	describe(group: string, signal?: AbortSignal): Promise<GroupSnapshot | undefined>;
	list(signal?: AbortSignal): Promise<string[]>;
	/** Sets committed offsets. GROUP_ACTIVE if the group has members and `force` is not set; with it, owners are fenced. */
	reset(
		group: string,
		offsets: Iterable<readonly [Partition, Offset]>,
		options: { readonly force: boolean },
		signal?: AbortSignal,
	): Promise<void>;
	/** Forgets the group and its offsets. GROUP_ACTIVE if it has members; false if there was none. */
	delete(group: string, signal?: AbortSignal): Promise<boolean>;
}

export interface JoinRequest {
	readonly group: string;
	readonly topics: readonly string[];
	/** Static membership: a restart under the same id within the session takes its partitions over, nothing moves. */
	readonly instanceId: string | undefined;
	/** Shown by `describe`; need not be unique. */
	readonly clientId: string;
	readonly sessionTimeoutMs: number;
	readonly heartbeatMs: number;
	readonly assignor: Assignor;
}

/** How core hears about its partitions. Calls come one at a time, in the order of the coordinator's decisions. */
export interface SessionListener {
	/** Now owned. Nothing is dispatched before the listener has prepared the partition. */
	assigned(grants: readonly Grant[]): void;
	/**
	 * To be given up: stop new work, finish or abort what runs, commit. The session releases when this resolves, so it
	 * calls it for each partition that it can release alone. Meanwhile `assigned`, `lost` and other `revoked` go on.
	 */
	revoked(partitions: readonly Partition[]): Promise<void>;
	/** Gone already: somebody else may own them. Nothing may be committed; running work is stale. */
	lost(partitions: readonly Partition[], reason: string): void;
	/** The end of the session: it will not come back (replaced, unusable journal, unauthorized). */
	fatal(error: unknown): void;
}

export interface Grant {
	readonly partition: Partition;
	/** Rises with every change of owner of this partition, also across a lost journal. */
	readonly fence: bigint;
	/** Where the group stands here; `undefined`: never committed. */
	readonly committed: CommittedOffset | undefined;
	/** With `committed` undefined: the group had committed offsets and the coordinator lost them. Not a new group. */
	readonly historyLost?: boolean;
}

export interface CommittedOffset {
	/** The next offset the group will process. */
	readonly offset: Offset;
	/** Of the last record processed before it, to recognize a log that was made again. */
	readonly last?: { readonly offset: Offset; readonly digest: string } | undefined;
}

export interface Commit extends CommittedOffset {
	readonly partition: Partition;
	readonly fence: bigint;
	/** The first commit after a seek may go backwards. */
	readonly rewind?: boolean;
}

export interface GroupSession {
	/** Changes when the session re-joins. */
	readonly memberId: string;

	/** Whether work may start on the partition at this moment: the lease holds, the fence is current, nothing is being
	 *  given up. With `finishing` also while it is being given up, for work taken before. Cheap; asked before every dispatch. */
	mayDispatch(partition: Partition, fence: bigint, finishing?: boolean): boolean;

	/**
	 * Resolves when the commit is durable and was accepted under (this incarnation, fence). Rejects with FENCED if
	 * the partition moved on, and then nothing changed. Waits through outages. Commits that wait together are sent
	 * together; of two for one partition the later one covers the earlier.
	 */
	commit(commit: Commit): Promise<void>;

	/** Gives the partition up while its handler still runs (`maxHandlerMs`); this member does not get it back before
	 *  `returned`, others may at once. Nothing more is committed under its fence. */
	abandon(partition: Partition, fence: bigint): void;
	returned(partition: Partition): void;

	/** Leaves in good order: partitions are free at once. `drained: false` just stops: others wait for the session
	 *  timeout, since handlers may still run. A static member keeps its place either way. Never rejects. */
	leave(options: { readonly drained: boolean; readonly signal?: AbortSignal }): Promise<void>;

	/** Stops at once, without a word to anybody. Idempotent. */
	destroy(): void;
}

export interface GroupSnapshot {
	readonly group: string;
	/** Rises with every plan of who owns what. */
	readonly generation: bigint;
	/** `"journal"` or the broker's own. */
	readonly coordinator: string;
	readonly members: readonly GroupMember[];
	readonly committed: Iterable<readonly [Partition, CommittedOffset]>;
}

export interface GroupMember {
	readonly id: string;
	readonly clientId: string;
	readonly instanceId: string | undefined;
	readonly topics: readonly string[];
	readonly partitions: readonly { readonly partition: Partition; readonly fence: bigint }[];
}

/** Decides which member gets which partition. Pure and deterministic: every member may run it. */
export interface Assignor {
	readonly name: string;
	assign(request: AssignmentRequest): ReadonlyMap<string, readonly Partition[]>;
}

export interface AssignmentRequest {
	/** In the order of joining; `owned` is what each has now. */
	readonly members: readonly { readonly id: string; readonly topics: readonly string[]; readonly owned: readonly Partition[] }[];
	/** Topics with their number of partitions. */
	readonly topics: ReadonlyMap<string, number>;
	/** Whether a member must not get a partition now (its old handler still runs). */
	excluded(member: string, partition: Partition): boolean;
}

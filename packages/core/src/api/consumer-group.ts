import type { Assignor } from "../driver/group-session.ts";
import type { Offset, Position } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { Estimate, EstimateOptions } from "./estimate.ts";
import type { Member, MemberOptions } from "./member.ts";
import type { Handler, RunOptions } from "./run-options.ts";
import type { Topic } from "./topic.ts";

export interface GroupOptions<T> {
	readonly topics: readonly Topic<T>[];
	/** Where a partition starts that the group has never committed. No default on purpose: `"latest"` can skip, `"earliest"` can flood. */
	readonly from: Position;
	/**
	 * What to do when the committed position is no longer in the log (retention, a topic made again), or was lost with
	 * the group's journal (then a group that starts from the earliest starts over by itself, and says so).
	 * `"fail"` (default) stops the partition with OFFSET_OUT_OF_RANGE; the others go on. `"earliest"` and `"latest"`
	 * move there and emit `error`.
	 */
	readonly onOutOfRange?: "fail" | "earliest" | "latest";
	/** Default 10 s, least 1 s (2 s recommended). A member silent for so long loses its partitions. */
	readonly sessionTimeoutMs?: number;
	/** Default a third of the session. */
	readonly heartbeatMs?: number;
	/** Default `stickyAssignor`. */
	readonly assignor?: Assignor;
}

/** The options of a group whose topics have values of several types. */
export interface MixedGroupOptions<Values extends readonly unknown[]> extends Omit<GroupOptions<Values[number]>, "topics"> {
	readonly topics: readonly [...{ [K in keyof Values]: Topic<Values[K]> }];
}

/** The named thing many processes share. Looking at it or resetting it does not join it. */
export interface ConsumerGroup<T> {
	readonly name: string;
	/** Becomes a member of the group; partitions follow (`MemberOptions.onAssigned`). */
	join(options?: MemberOptions<T>): Promise<Member<T>>;
	/** `join`, handle until closed or aborted (`options.signal`), leave. Rejects on a fatal error: nothing dies in silence. */
	run(handler: Handler<T>, options?: RunOptions & MemberOptions<T>): Promise<void>;
	/** GROUP_NOT_FOUND if nobody ever joined it. */
	describe(): Promise<GroupDescription>;
	committed(): Promise<ReadonlyMap<Partition, Offset>>;
	/** How far behind the group is. 0 exactly when it is drained. */
	lag(): Promise<GroupLag>;
	/**
	 * How long the backlog takes at the rates seen. Looks at the group from outside: no join, and no metrics of its
	 * members. The first call watches for `watchMs` (default 3 s); this object keeps what it saw for `windowMs`, so that
	 * calls that come often enough look once and answer at once.
	 */
	estimate(options?: EstimateOptions): Promise<Estimate>;
	/** Moves the committed offsets. GROUP_ACTIVE while it has members, unless `force` (owners are then fenced). */
	reset(to: Position, options?: ResetOptions): Promise<ResetReport>;
	/** Forgets the group and its offsets. GROUP_ACTIVE while it has members. */
	delete(): Promise<void>;
}

export interface GroupDescription {
	readonly group: string;
	/** `"active"` with members, else `"idle"`. */
	readonly state: "active" | "idle";
	readonly generation: bigint;
	readonly coordinator: string;
	readonly members: readonly {
		readonly id: string;
		readonly clientId: string;
		readonly instanceId: string | undefined;
		readonly topics: readonly string[];
		readonly partitions: readonly { readonly partition: Partition; readonly fence: bigint }[];
	}[];
}

export interface PartitionLag {
	readonly partition: Partition;
	/** `undefined`: the group has never committed here. */
	readonly committed: Offset | undefined;
	readonly earliest: Offset;
	readonly end: Offset;
	/** Records not yet processed: exact at 0, else an upper bound (offsets may have gaps). `undefined`: unknown, not 0. */
	readonly lag: bigint | undefined;
	/** How long the oldest unprocessed record has been waiting, in ms; `undefined` where there is none or it cannot be told. */
	readonly ageMs: number | undefined;
}

export interface GroupLag {
	readonly partitions: readonly PartitionLag[];
	/** The sum; `undefined` as soon as one partition's is. */
	readonly total: bigint | undefined;
	readonly maxAgeMs: number | undefined;
}

export interface ResetOptions {
	/** Default: all partitions of the group's topics. */
	readonly partitions?: readonly Partition[];
	readonly force?: boolean;
	/** Only report. */
	readonly dryRun?: boolean;
}

export interface ResetReport {
	readonly applied: boolean;
	readonly partitions: readonly {
		readonly partition: Partition;
		readonly from: Offset | undefined;
		readonly to: Offset;
		/** Upper bounds of what will not be processed, or will be processed again. */
		readonly skipped: bigint;
		readonly repeated: bigint;
	}[];
}

import type { Partition } from "../partition.ts";

/**
 * How a backlog is moving.
 *
 * - `caught-up`: nothing is left, or only what arrived in the last moments of a group that keeps up
 * - `draining`: more is processed than arrives, so the backlog has a drain time
 * - `growing`: at least as much arrives as is processed; at these rates it never drains
 * - `stalled`: it has an owner, and nothing was committed for some time
 * - `idle`: there is a backlog, and no member owns it
 * - `unknown`: not watched for long enough, or the group has no position yet
 */
export type BacklogState = "caught-up" | "draining" | "growing" | "stalled" | "idle" | "unknown";

/** What was measured, and between which values the truth may lie. */
export interface Measured {
	readonly likely: number;
	readonly least: number;
	/** `undefined`: there is no upper bound; it may never come to an end. */
	readonly most: number | undefined;
}

export interface PartitionEstimate {
	readonly partition: Partition;
	readonly state: BacklogState;
	/** The id of the member that owns it; `undefined`: nobody. */
	readonly owner: string | undefined;
	/** Messages not yet processed, as `lag()` counts them: 0 exactly when drained, else an upper bound. `undefined`: unknown. */
	readonly backlog: bigint | undefined;
	/** Of keys, values and headers, from the size of the oldest waiting messages. `undefined`: unknown. */
	readonly backlogBytes: number | undefined;
	/** Messages per second; `undefined`: unknown. */
	readonly arrival: Measured | undefined;
	/** Messages per second, as the commits show them; `undefined`: unknown. */
	readonly processing: Measured | undefined;
	/**
	 * Milliseconds until it is drained, backlog / (processing − arrival): 0 when caught up, `undefined` in every other
	 * state than `draining` and `caught-up`.
	 */
	readonly drainMs: Measured | undefined;
}

/**
 * How long a group's backlog takes, at the rates seen. Never a guess shown as a number: what is unknown is `undefined`.
 * Plain data; `whatIf(estimate, …)` asks what more members or partitions would change.
 */
export interface Estimate {
	readonly group: string;
	/** That of the slowest partition. One that stands still comes before one that grows, and both before an unknown one. */
	readonly state: BacklogState;
	/** Sums over the partitions; `undefined` as soon as one is unknown. */
	readonly backlog: bigint | undefined;
	readonly backlogBytes: number | undefined;
	readonly arrival: Measured | undefined;
	readonly processing: Measured | undefined;
	/**
	 * Until the slowest partition is drained. `least` assumes that a member's partitions share its speed, so that those
	 * that are done early leave it to the others.
	 */
	readonly drainMs: Measured | undefined;
	/** The partition that decides; `undefined` when all are caught up. */
	readonly slowest: Partition | undefined;
	/** Members that the group has. */
	readonly members: number;
	/** How far the samples reach back. */
	readonly watchedMs: number;
	readonly partitions: readonly PartitionEstimate[];
}

export interface EstimateOptions {
	/** How long the group must have been watched, in ms; the call waits for it. Default 3000. */
	readonly watchMs?: number;
	/** How far back samples count, in ms. Longer is steadier, shorter follows sooner. Default 10,000; at least `watchMs`. */
	readonly windowMs?: number;
	/** Gives up waiting with ABORTED. */
	readonly signal?: AbortSignal;
}

/** A group of another size; what is left out stays as it is. */
export interface GroupChange {
	readonly members?: number;
	/** Of all topics together. Only what arrives from then on is spread over more partitions: a backlog stays where it is. */
	readonly partitions?: number;
}

export interface ChangedEstimate {
	readonly members: number;
	readonly partitions: number;
	/** Members that would have no partition. */
	readonly idleMembers: number;
	/** `unknown` where nothing was measured that the answer could be taken from. */
	readonly state: BacklogState;
	/**
	 * From the case that members set the pace (they share it among their partitions) to the case that each partition has
	 * a pace of its own (a handler that waits); which one it is cannot be seen from outside.
	 */
	readonly drainMs: Measured | undefined;
}

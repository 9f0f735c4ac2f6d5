import type { PolylogError } from "../errors.ts";
import type { Offset, Position } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { Message } from "./message.ts";
import type { BatchHandler, BatchOptions, DeliveryOptions, Handler, RunOptions } from "./run-options.ts";

export interface MemberOptions<T = unknown> extends DeliveryOptions {
	/** Static membership: restarted within the session timeout under the same id, the member keeps its partitions. */
	readonly instanceId?: string;
	/** Awaited before anything of these partitions is delivered; may `seek`. */
	readonly onAssigned?: (partitions: readonly Partition[], member: Member<T>) => Promise<void> | void;
	/** Awaited after their handlers are done and before they are given up; may `commit`. */
	readonly onRevoked?: (partitions: readonly Partition[], member: Member<T>) => Promise<void> | void;
	/** They are somebody else's already: nothing can be committed. */
	readonly onLost?: (partitions: readonly Partition[], member: Member<T>) => void;
	/** A handler that runs longer costs the member its partition (not its membership), and nothing is committed past its
	 *  message. Default: no limit. */
	readonly maxHandlerMs?: number;
	/** Records held per partition, read but not yet committed by a handler. Default 1000. */
	readonly maxBufferedRecords?: number;
	/** Bytes read ahead per partition. Default 4 MiB. */
	readonly maxBufferedBytes?: number;
	/** Aborting closes the member. */
	readonly signal?: AbortSignal;
}

export interface MemberEvents {
	assigned: (partitions: readonly Partition[]) => void;
	revoked: (partitions: readonly Partition[]) => void;
	lost: (partitions: readonly Partition[], reason: string) => void;
	committed: (offsets: ReadonlyMap<Partition, Offset>) => void;
	/** The partition stopped (failure policy, out of range); without a listener it is logged. */
	stuck: (partition: Partition, error: PolylogError) => void;
	/** Something went wrong that did not stop the partition (skipped, dead-lettered, moved). */
	error: (error: PolylogError) => void;
}

/** Why a partition does not move. */
export type PartitionState = "preparing" | "running" | "paused" | "stopped" | "revoking";

/**
 * This process' part in a group: what it owns, where it is, what it is handling.
 *
 * Taken by `run`, by `runBatches`, or as an async iterator; one of them at a time. `for await` commits a message when
 * the next one is asked for; leaving the loop never commits the one in hand, since nobody can tell there whether it
 * succeeded.
 */
export interface Member<T> extends AsyncIterable<Message<T>>, AsyncDisposable {
	/** Changes if the member had to re-join. */
	readonly id: string;
	readonly assignment: readonly Partition[];
	run(handler: Handler<T>, options?: RunOptions): Promise<void>;
	runBatches(handler: BatchHandler<T>, options?: BatchOptions): Promise<void>;
	/** Stops delivery (running handlers finish); membership and position stay, also through a rebalance. Default: all owned. */
	pause(partitions?: readonly Partition[]): void;
	/** Also restarts a partition that the failure policy stopped, at the message that failed. */
	resume(partitions?: readonly Partition[]): void;
	/** Moves the position; resolves when no older message can start any more. Nothing is persisted until a commit. */
	seek(to: Position, partitions?: readonly Partition[]): Promise<void>;
	/**
	 * Resolves when durable and accepted. Without an argument: everything processed so far. With a message: it counts
	 * as processed, and the call waits until all before it in its partition are. With a map: exactly these offsets
	 * (the next to process), none beyond what was delivered. FENCED if a partition moved on.
	 */
	commit(what?: Message<T> | ReadonlyMap<Partition, Offset>): Promise<void>;
	/** The next offset to be delivered; `undefined` for a partition this member does not own. */
	position(partition: Partition): Offset | undefined;
	state(partition: Partition): PartitionState | undefined;
	on<E extends keyof MemberEvents>(event: E, listener: MemberEvents[E]): this;
	off<E extends keyof MemberEvents>(event: E, listener: MemberEvents[E]): this;
	/** Stop fetching, let handlers finish, commit, leave; past the deadline (default 30 s) handlers are aborted and the
	 *  member just stops, so that others wait out its session. Not to be awaited inside a handler, a hook or the loop's body: it waits for them. */
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

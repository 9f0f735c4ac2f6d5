// What the group journal needs of a log beyond `Driver`: one short single-partition log for each group.
//
// Positions are the broker's own, strictly rising, with gaps. Only core's fold decides anything; a JournalLog
// stores, reads, and proves that the reader's place still exists.
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";

export interface JournalStore {
	/** Opens the journal of a group, making it if it does not exist. */
	open(group: string, signal?: AbortSignal): Promise<JournalLog>;
	/** Opens it only if it exists: looking at a group must not create it. */
	find(group: string, signal?: AbortSignal): Promise<JournalLog | undefined>;
	/** The groups that have a journal. */
	list(signal?: AbortSignal): Promise<string[]>;
	/** Deletes a group's journal; false if there was none. */
	delete(group: string, signal?: AbortSignal): Promise<boolean>;
	/** Shows committed offsets in the broker's own tools. Best effort, called after each commit of a member. */
	mirror?(group: string, committed: Iterable<readonly [Partition, Offset]>): Promise<void>;
}

export interface JournalEntry {
	readonly position: bigint;
	readonly bytes: Uint8Array;
}

/** A place in the journal: the last entry that was read, and its content. */
export interface JournalCursor {
	readonly position: bigint;
	readonly bytes: Uint8Array;
}

export interface JournalBounds {
	/** The first retained entry; `undefined` if there is none. */
	readonly first: bigint | undefined;
	/** The last entry's position, or `undefined` if the log is empty; `"unknown"` where the broker cannot tell
	 *  (core then appends a mark and reads until it comes back). */
	readonly last: bigint | undefined | "unknown";
	/** Nothing was ever removed: reading from `first` gives the whole history. */
	readonly complete: boolean;
}

/** The proof that a data record still is what it was when it was processed. */
export interface RecordProof {
	readonly partition: Partition;
	readonly offset: Offset;
	/** `recordDigest` of it. */
	readonly digest: string;
}

export interface JournalLog {
	/**
	 * Rises whenever the connection that appends is made anew. Between two connections the broker may have failed
	 * over and lost its tail, so core proves its places on the new one before it appends anything on it.
	 */
	readonly connection: number;

	/**
	 * Appends one entry. Rejects without having sent anything if `connection` is no longer the current one.
	 * Resolving is a hint, not an acknowledgement: only reading the entry back counts. A rejected append may
	 * still appear later, once.
	 * `durable: false` in the result means: stored, but not on as many replicas as were asked for.
	 */
	append(bytes: Uint8Array, connection: number, signal?: AbortSignal): Promise<{ readonly durable: boolean }>;

	/**
	 * Entries after `cursor` (from the first retained one without it), in order; waits up to `waitMs` for the first.
	 * Rejects with `journalPlaceLost()` if the entry at the cursor no longer exists with the same content: checked
	 * with or after the reading, so that what is returned follows it. The cursor may be older than the last entry that was
	 * returned: after a disturbance core reads what it knows again. One call at a time.
	 */
	read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]>;

	/** Whether each record still exists unchanged, or went by retention alone. Asked on the appending connection. */
	prove(proofs: readonly RecordProof[], connection: number, signal?: AbortSignal): Promise<boolean>;

	/**
	 * Resolves when all that `read` returned on this connection is on as many replicas as were asked for: from then on it may be
	 * told as committed. Rejects with UNAVAILABLE while it is not. Absent where what can be read is there anyway.
	 */
	settled?(connection: number, signal?: AbortSignal): Promise<void>;

	bounds(signal?: AbortSignal): Promise<JournalBounds>;

	/** Allows removing entries before `position`. May do less (whole segments), never more. */
	truncateBefore(position: bigint, signal?: AbortSignal): Promise<void>;

	/** A `read` under way rejects or comes back empty. Idempotent. */
	close(): Promise<void>;
}

/** Thrown by `JournalLog.read`: see there. */
export class JournalPlaceLost extends Error {
	override readonly name = "JournalPlaceLost";
	readonly placeLost = true;

	constructor() {
		super("the entry at the reader's place in the journal is gone or another one");
	}
}

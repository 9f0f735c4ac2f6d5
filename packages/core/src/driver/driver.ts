// The whole contract between core and a backend. An adapter implements `Driver` and one of the two ways to
// coordinate groups; everything else an application sees is built above this line, once.
//
// Rules for all methods
// - Errors: throw the client's own error. Core calls `classify` and wraps it once. The adapter makes PolylogErrors
//   only where it is the one who found out (bad option, offset out of range).
// - Reconnecting is the driver's: a broken connection makes calls fail until it is back, never for ever.
//   Repeating a failed call is core's.
// - A `signal` ends a wait early: reject with `signal.reason`. What was sent may still take effect.
// - Methods may be called concurrently unless said otherwise.
import type { Capabilities } from "../capabilities.ts";
import type { Clock, Random } from "../clock.ts";
import type { ErrorCode } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { BackendUrl } from "./backend-url.ts";
import type { GroupCoordinator } from "./group-session.ts";
import type { JournalStore } from "./journal-log.ts";
import type { AppendOutcome, OutgoingRecord, RawRecord } from "./record.ts";

/** What an adapter package exports as `adapter`. */
export interface Adapter {
	/** The backend's name: `Broker.name`, and the key of its own options in polylog.config. */
	readonly name: string;
	readonly schemes: readonly string[];
	/** Checks every option and throws CONFIG_INVALID for an unknown or malformed one. No I/O. */
	create(target: AdapterTarget, context: DriverContext): Driver;
}

export interface AdapterTarget {
	readonly url: BackendUrl;
	/** The adapter's own part of the configuration; read it with `readOptions`. */
	readonly options: Readonly<Record<string, unknown>>;
}

/** What core lends a driver. A driver uses no other clock, randomness or output. */
export interface DriverContext {
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	/** Names this process to the broker's own tools. */
	readonly clientId: string;
}

export interface Driver {
	readonly name: string;
	readonly capabilities: Capabilities;

	/** Called once, before anything else. Rejects if the broker cannot be reached, or is unfit to hold a log. */
	connect(signal?: AbortSignal): Promise<void>;
	/** Ends all connections in good order. Idempotent. Calls under way reject. */
	close(): Promise<void>;
	/** Drops all connections at once and for good, as the death of the process would. Idempotent. */
	destroy(): void;

	readonly topics: TopicStore;

	/**
	 * Appends `records` in their order to one partition; one outcome for each, in the same order.
	 *
	 * Core never has two appends of one (producer, partition) under way. It repeats an append with an `unknown`
	 * outcome under the same `producer` identity: with `idempotentAppend` the records are then stored once.
	 * Rejects only if nothing is known about any record (treated as all `unknown`).
	 */
	append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]>;

	/** A reader whose first record is the first one at or above `from`. No I/O; errors come from `fetch`. */
	openReader(partition: Partition, from: Offset): Reader;

	/** The offset of the first record at or after the time, else the end offset (capability `offsetAt`). */
	offsetAt(partition: Partition, timestampMs: number, signal?: AbortSignal): Promise<Offset>;

	/** Says what one of its client's errors means. Total: an error it does not know is `UNKNOWN`. */
	classify(error: unknown): Classification;

	/** The client's own objects: the typed way out. */
	native(): unknown;

	/** Either the broker coordinates groups itself, or core does, with a journal. */
	readonly groups:
		| { readonly kind: "native"; readonly coordinator: GroupCoordinator }
		| { readonly kind: "journal"; readonly journals: JournalStore };
}

export interface Classification {
	readonly code: ErrorCode;
	/** Default: the code's own. */
	readonly retryable?: boolean;
}

/** Who appends: `sequence` is the number of the batch's first record, counted per (producer, partition) from 0. */
export interface ProducerIdentity {
	readonly id: string;
	readonly epoch: number;
	readonly sequence: number;
}

export interface TopicStore {
	/** Creates the topic; resolves to false if it exists already (with whatever shape). */
	create(topic: string, options: TopicOptions, signal?: AbortSignal): Promise<boolean>;
	/** Deletes the topic and its records; resolves to false if there was none. Made again, it is another topic. */
	delete(topic: string, signal?: AbortSignal): Promise<boolean>;
	/** Raises the number of partitions to `partitions`; never lowers it (capability `growTopics`). */
	grow(topic: string, partitions: number, signal?: AbortSignal): Promise<void>;
	/** `undefined` if there is no such topic. */
	describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined>;
	list(signal?: AbortSignal): Promise<string[]>;
}

export interface TopicOptions {
	readonly partitions: number;
	/** What may be deleted, oldest first; without it nothing is. Each limit holds per partition. */
	readonly retention?: Retention;
}

export interface Retention {
	readonly records?: number;
	readonly bytes?: number;
	readonly ageMs?: number;
}

export interface TopicDescription {
	readonly topic: string;
	readonly partitions: readonly PartitionDescription[];
}

export interface PartitionDescription extends Partition {
	/** The lowest offset from which nothing has been removed by retention; the end where nothing is retained. */
	readonly earliest: Offset;
	/** The offset the next record will not be below. Exact at the time of the call. */
	readonly end: Offset;
	/** Records retained, where the broker tells it; an upper bound. */
	readonly records?: number;
}

/**
 * Reads one partition in order. Readers are many (one for each partition) and connections few: the driver multiplexes.
 *
 * A reader never skips a record in silence. If the record at its position was removed by retention, if the position
 * lies beyond the end, or if the log was cut back or made again under it (the driver proves its place: the last
 * record it returned still exists, unchanged), `fetch` throws `offsetOutOfRange(…)`.
 */
export interface Reader {
	/**
	 * Where it stands: everything below has been returned, or is known to hold no record. `from` at first, then the offset
	 * after the last record returned or, where offsets without records follow it (control records, deleted entries), after
	 * those. Up to date at the latest when a `fetch` has come back empty for want of records. Never above the end.
	 */
	readonly position: Offset;
	/**
	 * Up to `credit` records, in order; waits for the first one, and may come back empty (about once a second, so that
	 * the caller can look around). Empty says nothing about the log: a slow broker looks the same; `position` tells.
	 * The driver holds no more than `credit` records for this reader. One call at a time.
	 * After an error the next call goes on at the exact next offset.
	 */
	fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]>;
	/** Idempotent; a `fetch` under way rejects or comes back empty. */
	close(): Promise<void>;
}

export interface Credit {
	readonly records: number;
	/** Soft: a reader stops after the record that passes it. */
	readonly bytes: number;
}

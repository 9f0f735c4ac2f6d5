// Logs within reach of a synchronous call: an array, a file, a table of an embedded database. Core makes their readers and
// journals itself, since what is read and what it is judged by are of one moment there; a driver over a network has to
// arrange that, and implements both.
import { type Clock, sleep } from "../clock.ts";
import type { Credit } from "../driver/driver.ts";
import type { OutgoingRecord, RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import { partitionContext } from "../partition-context.ts";
import { type Partition, partitionKey } from "../partition.ts";

export interface LocalLog {
	/** A log that was deleted and made again has another one, also at the same offsets. */
	readonly incarnation: unknown;
	/** The lowest offset from which nothing has been removed; the end where nothing is left. */
	readonly earliest: Offset;
	/** One above the last record; the earliest before the first. */
	readonly end: Offset;
	append(records: readonly OutgoingRecord[]): unknown;
	/** Records from the first one at or above `from` on, which is in range: at least one if there is one. The arrays are the caller's. */
	slice(from: Offset, credit: Credit): readonly RawRecord[];
	/** Ends at the next append, after `waitMs`, or when the signal aborts. Without it core looks again and again. */
	wait?(waitMs: number, signal: AbortSignal): Promise<void>;
	/** May do nothing. */
	truncateBefore(offset: Offset): void;
}

/** What a driver over such logs gives to core. */
export interface LocalLogs<Log extends LocalLog = LocalLog> {
	readonly clock: Clock;
	/** Aborts when the driver is closed; its reason is what calls fail with from then on. */
	readonly signal: AbortSignal;
	partition(partition: Partition): Log | undefined;
	/** Of groups: a record is an entry, and `earliest` is 0 until one is removed. */
	readonly journals: {
		find(group: string): LocalLog | undefined;
		/** Finds it, or makes it. */
		open(group: string): LocalLog;
		list(): string[];
		/** False if there was none. */
		delete(group: string): boolean;
	};
}

/** With enough bytes for a log that reads ahead by them. */
export const ONE_RECORD: Credit = { records: 1, bytes: 64 * 1024 };

/** Waiting for appends that nothing tells of: written by every wait as it begins and ends. */
let looking = 0;

/** Ends when there is a record at or above `from`, after `waitMs`, or when one of the signals aborts. */
export async function untilMore(
	{ clock, signal }: LocalLogs,
	log: LocalLog | undefined,
	{ from, waitMs, signals }: { from: Offset; waitMs: number; signals: readonly (AbortSignal | undefined)[] },
): Promise<void> {
	const stop = AbortSignal.any([signal, ...signals.filter((one) => one !== undefined)]);
	if (!log) return await sleep(clock, waitMs, stop).catch(() => {});
	if (log.wait) return await log.wait(waitMs, stop);
	const end = clock.now() + waitMs;
	looking++;
	try {
		// Those who wait share the effort: a thousand of them look ten times a second each.
		while (!stop.aborted && clock.now() < end && log.slice(from, ONE_RECORD).length === 0)
			await sleep(clock, Math.min(5 + looking / 10, end - clock.now()), stop).catch(() => {});
	} finally {
		looking--;
	}
}

/** The partition's log, or TOPIC_NOT_FOUND. */
export function localPartition<Log extends LocalLog>(logs: LocalLogs<Log>, partition: Partition): Log {
	const log = logs.partition(partition);
	if (log) return log;
	throw new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(partition)} does not exist`, partitionContext(partition));
}

/** A later turn of the event loop, as with any log behind a network; rejects once the driver is closed. */
export async function laterTurn(logs: Pick<LocalLogs, "clock" | "signal">): Promise<void> {
	logs.signal.throwIfAborted();
	await logs.clock.yield();
	logs.signal.throwIfAborted();
}

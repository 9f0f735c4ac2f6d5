import type { Credit, Reader } from "../driver/driver.ts";
import { offsetOutOfRange } from "../driver/out-of-range.ts";
import type { RawRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import { laterTurn, type LocalLog, type LocalLogs, localPartition, untilMore } from "./local-log.ts";

/** How long a fetch waits for the first record before it comes back empty. */
const FETCH_WAIT_MS = 1000;

/** Reads one partition of local logs, and skips nothing in silence. */
export class LocalReader implements Reader {
	readonly #logs: LocalLogs;
	readonly #partition: Partition;
	#next: Offset;
	/** Of the log it began on: a topic made again is another one, even at the same offset. */
	#began: { readonly incarnation: unknown } | undefined;
	readonly #closed = new AbortController();

	constructor(logs: LocalLogs, partition: Partition, from: Offset) {
		this.#logs = logs;
		this.#partition = partition;
		this.#next = from;
	}

	get position(): Offset {
		return this.#next;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		await laterTurn(this.#logs);
		const log = this.#log();
		const page = this.#take(log, credit);
		if (page.length > 0) return page;
		await untilMore(this.#logs, log, { from: this.#next, waitMs: FETCH_WAIT_MS, signals: [this.#closed.signal, signal] });
		signal?.throwIfAborted();
		this.#logs.signal.throwIfAborted();
		return this.#closed.signal.aborted ? [] : this.#take(this.#log(), credit);
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	/** As it is now, if the position is still in it. */
	#log(): LocalLog {
		const log = localPartition(this.#logs, this.#partition);
		const { incarnation, earliest, end } = log;
		const refuse = (why: string) => offsetOutOfRange(this.#partition, { requested: this.#next, earliest, end }, why);
		if (this.#began && this.#began.incarnation !== incarnation) throw refuse("the topic was deleted and made again");
		if (this.#next < earliest) throw refuse("retention removed it");
		if (this.#next > end) throw refuse("it lies beyond the end");
		this.#began = { incarnation };
		return log;
	}

	#take(log: LocalLog, credit: Credit): readonly RawRecord[] {
		const page = log.slice(this.#next, credit);
		const last = page.at(-1);
		if (last) this.#next = last.offset + 1n;
		return page;
	}
}

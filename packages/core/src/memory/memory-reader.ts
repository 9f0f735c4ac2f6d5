import type { Clock } from "../clock.ts";
import type { Credit, Reader } from "../driver/driver.ts";
import { offsetOutOfRange } from "../driver/out-of-range.ts";
import type { RawRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { MemoryLink } from "./memory-link.ts";
import { type MemoryLog, ownCopy } from "./memory-log.ts";
import type { MemoryStore } from "./memory-store.ts";

/** How long a fetch waits for the first record before it comes back empty. */
const FETCH_WAIT_MS = 1000;

export class MemoryReader implements Reader {
	readonly #store: MemoryStore;
	readonly #link: MemoryLink;
	readonly #clock: Clock;
	readonly #partition: Partition;
	#next: Offset;
	/** The log it began on: a topic made again is another one, even at the same offset. */
	#log: MemoryLog | undefined;
	readonly #closed = new AbortController();

	constructor(store: MemoryStore, link: MemoryLink, clock: Clock, partition: Partition, from: Offset) {
		this.#store = store;
		this.#link = link;
		this.#clock = clock;
		this.#partition = partition;
		this.#next = from;
	}

	get position(): Offset {
		return this.#next;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		this.#link.check();
		// A later turn of the event loop, as with any real log.
		await this.#clock.yield();
		let page = this.#take(credit);
		if (page.length === 0 && this.#log) {
			await this.#log.wait(FETCH_WAIT_MS, AbortSignal.any([this.#link.signal, this.#closed.signal, ...(signal ? [signal] : [])]));
			signal?.throwIfAborted();
			page = this.#closed.signal.aborted ? [] : this.#take(credit);
		}
		return page;
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	#take(credit: Credit): RawRecord[] {
		this.#link.check();
		const log = this.#store.partition(this.#partition);
		const { earliest, end } = log;
		const range = { requested: this.#next, earliest, end };
		if (this.#log && this.#log !== log) throw offsetOutOfRange(this.#partition, range, "the topic was deleted and made again");
		if (this.#next < earliest) throw offsetOutOfRange(this.#partition, range, "retention removed it");
		if (this.#next > end) throw offsetOutOfRange(this.#partition, range, "it lies beyond the end");
		this.#log = log;
		const page = log.slice(this.#next, credit);
		this.#next += BigInt(page.length);
		return page.map(ownCopy);
	}
}

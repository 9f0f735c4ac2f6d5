import type { Partition } from "@polylog/core";
import { type Credit, type Offset, offsetOutOfRange, type RawRecord, type Reader, recordDigest } from "@polylog/core/driver";
import type { MemoryLog } from "@polylog/core/testing";
import { type Link, LinkError } from "./link.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const FETCH_WAIT_MS = 1000;

/** Reads one partition over a link, and proves its place with every fetch. */
export class SimulatedReader implements Reader {
	readonly #broker: SimulatedBroker;
	readonly #link: Link;
	readonly #partition: Partition;
	readonly #closed = new AbortController();
	#next: Offset;
	#last: RawRecord | undefined;

	constructor(broker: SimulatedBroker, link: Link, partition: Partition, from: Offset) {
		this.#broker = broker;
		this.#link = link;
		this.#partition = partition;
		this.#next = from;
	}

	get position(): Offset {
		return this.#next;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		if (this.#closed.signal.aborted) return [];
		const until = signal ? AbortSignal.any([this.#closed.signal, signal]) : this.#closed.signal;
		const act = async () => {
			const log = this.#broker.partition(this.#partition);
			this.#prove(log);
			if (log.end <= this.#next) await log.wait(FETCH_WAIT_MS, until);
			this.#prove(log);
			return log.slice(this.#next, credit);
		};
		const page = await this.#link.call({ act, waitMs: FETCH_WAIT_MS, signal: until });
		this.#last = page.at(-1) ?? this.#last;
		if (this.#last && page.length > 0) this.#next = this.#last.offset + 1n;
		return page;
	}

	async close(): Promise<void> {
		this.#closed.abort(new LinkError("the reader is closed"));
	}

	#prove(log: MemoryLog): void {
		const { earliest, end } = log;
		const refuse = (why: string) => offsetOutOfRange(this.#partition, { requested: this.#next, earliest, end }, why);
		if (this.#next < earliest) throw refuse("retention removed it");
		if (this.#next > end) throw refuse("it lies beyond the end");
		const last = this.#last;
		if (!last || last.offset < earliest) return;
		const [record] = log.slice(last.offset, { records: 1, bytes: 1 });
		if (!record || recordDigest(record) !== recordDigest(last)) throw refuse("another record stands where the last one was read");
	}
}

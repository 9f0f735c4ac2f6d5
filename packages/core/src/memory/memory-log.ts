// One partition of the embedded backend: an array, what retention removed from its front, and who waits at its end.
import type { Clock } from "../clock.ts";
import type { Credit, ProducerIdentity, Retention } from "../driver/driver.ts";
import type { AppendOutcome, OutgoingRecord, RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import type { LocalLog } from "../local-log/local-log.ts";
import { recordBytes } from "../record-bytes.ts";

/** Producers remembered for de-duplication; the one that appended longest ago is forgotten first. */
const PRODUCERS_KEPT = 10_000;

interface ProducerState {
	readonly epoch: number;
	/** Of the last batch: its first sequence, its size and where it was stored. */
	readonly sequence: number;
	readonly count: number;
	readonly offset: Offset;
}

export class MemoryLog implements LocalLog {
	readonly #clock: Clock;
	readonly #retention: Retention;
	// Records [#head, length) are retained; #records[#head] has offset #earliest. The front is cut off lazily.
	#records: RawRecord[] = [];
	#head = 0;
	#earliest: Offset = 0n;
	#bytes = 0;
	readonly #waiting = new Set<() => void>();
	readonly #producers = new Map<string, ProducerState>();

	constructor(clock: Clock, retention: Retention = {}) {
		this.#clock = clock;
		this.#retention = retention;
	}

	get incarnation(): unknown {
		return this;
	}

	get earliest(): Offset {
		this.#expire();
		return this.#earliest;
	}

	get end(): Offset {
		return this.#earliest + BigInt(this.#size);
	}

	get #size(): number {
		return this.#records.length - this.#head;
	}

	append(records: readonly OutgoingRecord[], producer?: ProducerIdentity): AppendOutcome[] {
		const known = producer && this.#producers.get(producer.id);
		if (producer && known && producer.epoch < known.epoch) {
			const error = new PolylogError("FENCED", `producer ${producer.id} was fenced: epoch ${producer.epoch} is older than ${known.epoch}`);
			return records.map(() => ({ status: "failed", error }));
		}
		if (producer && known && producer.epoch === known.epoch && producer.sequence < known.sequence + known.count) {
			return records.map((_, i) => repeated(known, producer.sequence + i));
		}
		const first = this.end;
		const outcomes = records.map((record, i): AppendOutcome => {
			this.#records.push({ ...ownCopy(record), offset: first + BigInt(i) });
			this.#bytes += recordBytes(record);
			return { status: "ok", offset: first + BigInt(i) };
		});
		if (producer) this.#remember(producer, records.length, first);
		this.#expire();
		for (const wake of this.#waiting) wake();
		return outcomes;
	}

	/** The records from `from` on; the caller has checked that it is in range. */
	slice(from: Offset, credit: Credit): RawRecord[] {
		const start = this.#head + Number(from - this.#earliest);
		const page: RawRecord[] = [];
		let bytes = 0;
		for (let i = start; i < this.#records.length && page.length < credit.records && bytes < credit.bytes; i++) {
			const record = this.#records[i] as RawRecord;
			page.push(ownCopy(record));
			bytes += recordBytes(record);
		}
		return page;
	}

	/** The offset of the first record at or after the time: bisection, so right where times do not decrease. */
	offsetAt(timestampMs: number): Offset {
		this.#expire();
		let low = this.#head;
		let high = this.#records.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((this.#records[middle] as RawRecord).timestamp < timestampMs) low = middle + 1;
			else high = middle;
		}
		return this.#earliest + BigInt(low - this.#head);
	}

	/** Removes every record below `offset`. */
	truncateBefore(offset: Offset): void {
		while (this.#size > 0 && this.#earliest < offset) this.#dropFirst();
	}

	/** Removes every record at or above `offset`, as a failover to a late replica does. For tests of roll-back. */
	truncateFrom(offset: Offset): void {
		while (this.#size > 0 && this.end > offset) this.#bytes -= recordBytes(this.#records.pop() as RawRecord);
		this.#producers.clear();
	}

	/** Resolves at the next append, after `waitMs`, or when the signal aborts. */
	wait(waitMs: number, signal: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			const done = () => {
				this.#waiting.delete(done);
				cancel();
				signal.removeEventListener("abort", done);
				resolve();
			};
			const cancel = this.#clock.after(waitMs, done);
			this.#waiting.add(done);
			signal.addEventListener("abort", done, { once: true });
			if (signal.aborted) done();
		});
	}

	#remember(producer: ProducerIdentity, count: number, offset: Offset): void {
		this.#producers.delete(producer.id);
		this.#producers.set(producer.id, { epoch: producer.epoch, sequence: producer.sequence, count, offset });
		if (this.#producers.size > PRODUCERS_KEPT) this.#producers.delete(this.#producers.keys().next().value as string);
	}

	#expire(): void {
		const { records, bytes, ageMs } = this.#retention;
		while (this.#size > 0 && ((records !== undefined && this.#size > records) || (bytes !== undefined && this.#bytes > bytes)))
			this.#dropFirst();
		const oldest = ageMs === undefined ? -Infinity : this.#clock.wall() - ageMs;
		while (this.#size > 0 && (this.#records[this.#head] as RawRecord).timestamp < oldest) this.#dropFirst();
	}

	#dropFirst(): void {
		this.#bytes -= recordBytes(this.#records[this.#head] as RawRecord);
		this.#head++;
		this.#earliest++;
		// Cutting the front off costs the whole array, so it is done when half of it is dead.
		if (this.#head > 1024 && this.#head * 2 > this.#records.length) {
			this.#records = this.#records.slice(this.#head);
			this.#head = 0;
		}
	}
}

/** The record with arrays that nobody else holds: what a log stores, and what it gives to a reader, never changes. */
function ownCopy<R extends OutgoingRecord>(record: R): R {
	return {
		...record,
		key: record.key && Uint8Array.from(record.key),
		value: record.value && Uint8Array.from(record.value),
		headers: record.headers.map(([name, value]) => [name, typeof value === "string" ? value : Uint8Array.from(value)] as const),
	};
}

function repeated(known: ProducerState, sequence: number): AppendOutcome {
	const position = sequence - known.sequence;
	return position < 0 ? { status: "ok" } : { status: "ok", offset: known.offset + BigInt(position) };
}

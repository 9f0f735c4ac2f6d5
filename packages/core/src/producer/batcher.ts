// Gathers the messages of one partition into batches, by number, size and age. Pure: time is passed in.
import type { ProducerLimits } from "./limits.ts";
import type { Pending } from "./pending.ts";

/** Taken entries stay in the array until so many have gathered: shifting it for each batch would be quadratic. */
const COMPACT_AT = 1024;

export class Batcher {
	readonly #limits: ProducerLimits;
	// Waiting: [#head, length), in the order of the sends; those settled meanwhile (withdrawn) are skipped.
	#entries: Pending[] = [];
	#head = 0;
	#size = 0;
	#bytes = 0;
	/** So many from the head do not linger. */
	#urgent = 0;

	constructor(limits: ProducerLimits) {
		this.#limits = limits;
	}

	/** Messages waiting, without those withdrawn. */
	get size(): number {
		return this.#size;
	}

	get full(): boolean {
		return this.#size >= this.#limits.maxBatchRecords || this.#bytes >= this.#limits.maxBatchBytes;
	}

	/** The oldest message's deadline; `undefined` if there is none. */
	get deadline(): number | undefined {
		return this.#first()?.deadline;
	}

	push(entry: Pending): void {
		this.#entries.push(entry);
		this.#size++;
		this.#bytes += entry.bytes;
	}

	/** What waits now does not linger. */
	hurry(): void {
		this.#urgent = this.#size;
	}

	/** When the next batch should go, on the clock that gave the deadlines; `undefined` if nothing waits. */
	dueAt(): number | undefined {
		const first = this.#first();
		if (!first) return undefined;
		if (this.#limits.lingerMs === 0 || this.full || this.#urgent > 0) return -Infinity;
		return first.deadline - this.#limits.deliveryTimeoutMs + this.#limits.lingerMs;
	}

	/** The next batch: at least one message, then as many as the limits allow. */
	take(): Pending[] {
		const batch: Pending[] = [];
		let bytes = 0;
		for (let entry = this.#first(); entry; entry = this.#first()) {
			if (batch.length > 0 && (batch.length >= this.#limits.maxBatchRecords || bytes + entry.bytes > this.#limits.maxBatchBytes)) break;
			batch.push(entry);
			bytes += entry.bytes;
			this.#head++;
		}
		this.#size -= batch.length;
		this.#bytes -= bytes;
		this.#urgent = Math.max(0, this.#urgent - batch.length);
		this.#compact();
		return batch;
	}

	/** An entry that waits here is about to be settled: it will not be in any batch. */
	withdraw(entry: Pending): void {
		this.#size--;
		this.#bytes -= entry.bytes;
		this.#urgent = Math.min(this.#urgent, this.#size);
		// Withdrawn entries would hold their bytes for as long as the partition is stuck.
		if (this.#entries.length - this.#head > 2 * this.#size + COMPACT_AT) {
			this.#entries = this.#waiting().filter((other) => other !== entry);
			this.#head = 0;
		}
	}

	/** Removes and returns those whose deadline has come. */
	expired(now: number): Pending[] {
		return this.#remove((entry) => entry.deadline <= now);
	}

	/** Removes and returns all. */
	clear(): Pending[] {
		return this.#remove(() => true);
	}

	#remove(which: (entry: Pending) => boolean): Pending[] {
		const waiting = this.#waiting();
		const removed = waiting.filter(which);
		this.#entries = waiting.filter((entry) => !which(entry));
		this.#head = 0;
		this.#size = this.#entries.length;
		this.#bytes = this.#entries.reduce((sum, entry) => sum + entry.bytes, 0);
		this.#urgent = Math.min(this.#urgent, this.#size);
		return removed;
	}

	#waiting(): Pending[] {
		return this.#entries.slice(this.#head).filter((entry) => !entry.settled);
	}

	#first(): Pending | undefined {
		while (this.#entries[this.#head]?.settled) this.#head++;
		return this.#entries[this.#head];
	}

	#compact(): void {
		if (this.#head === this.#entries.length) this.#entries = [];
		else if (this.#head >= COMPACT_AT) this.#entries = this.#entries.slice(this.#head);
		else return;
		this.#head = 0;
	}
}

// Pure: which offset may be committed when messages complete out of order.
import type { RawRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";

/** A record that was handed out and is not known to be processed. */
export interface Held {
	readonly record: RawRecord;
	/** The lane's seek count when it was handed out: after a seek it is stale. */
	readonly epoch: number;
	done: boolean;
	/** Given back unprocessed: nothing behind it can be committed in this epoch. */
	released: boolean;
	/** Those it is handled with: one promise of the application answers for all of them. */
	batch?: readonly Held[];
}

export class OffsetTracker {
	// In the order of delivery; [#head, length) are not yet covered by #next.
	#held: Held[] = [];
	#head = 0;
	#next: Offset;
	#last: RawRecord | undefined;

	/** `last`: the record just below `start`, if it was processed here. */
	constructor(start: Offset, last?: RawRecord) {
		this.#next = start;
		this.#last = last;
	}

	/** The offset to commit: everything below it is processed. */
	get next(): Offset {
		return this.#next;
	}

	/** The record just below `next`, once one was processed. */
	get last(): RawRecord | undefined {
		return this.#last;
	}

	/** Records delivered and not yet covered by `next`, processed ones behind a gap included. */
	get outstanding(): number {
		return this.#held.length - this.#head;
	}

	/** Whether `next` can move no further. */
	get blocked(): boolean {
		const first = this.#held[this.#head];
		return first !== undefined && first.released;
	}

	begin(record: RawRecord, epoch: number): Held {
		const held = { record, epoch, done: false, released: false };
		this.#held.push(held);
		return held;
	}

	/** Marks it processed; true if `next` moved. */
	complete(held: Held): boolean {
		held.done = true;
		const before = this.#head;
		while (this.#head < this.#held.length && (this.#held[this.#head] as Held).done) {
			this.#last = (this.#held[this.#head] as Held).record;
			this.#head++;
		}
		if (this.#head === before) return false;
		this.#next = (this.#last as RawRecord).offset + 1n;
		if (this.#head === this.#held.length) {
			this.#held.length = 0;
			this.#head = 0;
		} else if (this.#head > 1024) {
			this.#held = this.#held.slice(this.#head);
			this.#head = 0;
		}
		return true;
	}

	/** Takes back the record delivered last, as if it never was. */
	withdraw(held: Held): void {
		if (this.#held.at(-1) !== held) throw new RangeError("only the record delivered last can be taken back");
		this.#held.pop();
	}

	/** The outstanding record at `offset`. */
	find(offset: Offset): Held | undefined {
		for (let i = this.#head; i < this.#held.length; i++) {
			const held = this.#held[i] as Held;
			if (held.record.offset >= offset) return held.record.offset === offset ? held : undefined;
		}
		return undefined;
	}
}

// Records of one partition that were read and not delivered yet.
import type { RawRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";
import { recordBytes } from "../record-bytes.ts";

/** Delivered places are let go when there are so many: each time it is dear. */
const LET_GO = 4096;

export class ReadAhead {
	// What waits is [#head, length).
	#records: RawRecord[] = [];
	#head = 0;
	#bytes = 0;
	#readTo: Offset | undefined;

	/** How many wait. */
	get waiting(): number {
		return this.#records.length - this.#head;
	}

	get bytes(): number {
		return this.#bytes;
	}

	/** Where the reader stands: no records but those it gave lie below. Forgotten with them. */
	get readTo(): Offset | undefined {
		return this.#readTo;
	}

	add(records: readonly RawRecord[], readTo: Offset): void {
		this.#readTo = readTo;
		if (this.#head > 0 && this.waiting === 0) this.#letGo();
		for (const record of records) {
			this.#records.push(record);
			this.#bytes += recordBytes(record);
		}
	}

	/** Called only while some wait. */
	take(): RawRecord {
		const record = this.#records[this.#head] as RawRecord;
		this.#records[this.#head++] = undefined as never;
		if (this.#head > LET_GO) this.#letGo();
		this.#bytes -= recordBytes(record);
		return record;
	}

	putBack(record: RawRecord): void {
		if (this.#head > 0) this.#records[--this.#head] = record;
		else this.#records.unshift(record);
		this.#bytes += recordBytes(record);
	}

	clear(): void {
		this.#records = [];
		this.#head = 0;
		this.#bytes = 0;
		this.#readTo = undefined;
	}

	#letGo(): void {
		this.#records = this.#records.slice(this.#head);
		this.#head = 0;
	}
}

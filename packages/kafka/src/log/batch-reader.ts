// Record batches as Fetch brings them → records, lazily: a batch is opened when its records are asked for. Control
// records and those of aborted transactions are left out; a batch without records still moves the position.
import { PolylogError, type RawHeaders, type RawRecord } from "@polylog/core/driver";
import { decompress } from "./compression.ts";
import { crc32c } from "./crc32c.ts";

const HEADER_BYTES = 61;
const NO_HEADERS: RawHeaders = [];

interface Transaction {
	readonly producerId: bigint;
	readonly firstOffset: bigint;
}

export class BatchReader {
	readonly #bytes: Buffer;
	/** Aborted transactions that begin further on, by their first offset. */
	readonly #aborted: Transaction[];
	readonly #aborting = new Set<bigint>();
	#at = 0;
	#open: OpenBatch | undefined;
	#position: bigint;
	#epoch: number;

	/** Gives the records at and above `position`; `epoch` is that of the record before it. */
	constructor(bytes: Buffer, aborted: readonly Transaction[], position: bigint, epoch: number) {
		this.#bytes = bytes;
		this.#aborted = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
		this.#position = position;
		this.#epoch = epoch;
	}

	/** The next offset to read. */
	get position(): bigint {
		return this.#position;
	}

	/** The leader's epoch of the last batch read. */
	get epoch(): number {
		return this.#epoch;
	}

	/** Whether all whole batches are read. */
	get done(): boolean {
		return !this.#open && !this.#wholeBatchAhead();
	}

	/** Up to `maxRecords` records, ending with the one that passes `maxBytes`. Empty when all are read. */
	take(maxRecords: number, maxBytes: number): RawRecord[] {
		const records: RawRecord[] = [];
		let bytes = 0;
		while (records.length < maxRecords && bytes < maxBytes) {
			this.#open ??= this.#openNext();
			if (!this.#open) break;
			const record = this.#open.next();
			if (!record) {
				this.#position = this.#open.lastOffset + 1n;
				this.#open = undefined;
				continue;
			}
			if (record.offset < this.#position) continue;
			records.push(record);
			this.#position = record.offset + 1n;
			bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
		}
		// What follows the last record of a batch belongs to the position too.
		if (this.#open?.exhausted) {
			this.#position = this.#open.lastOffset + 1n;
			this.#open = undefined;
		}
		return records;
	}

	#wholeBatchAhead(): boolean {
		const left = this.#bytes.length - this.#at;
		return left >= HEADER_BYTES && left >= 12 + this.#bytes.readInt32BE(this.#at + 8);
	}

	/** Opens the next batch that has records to give; skips the others. */
	#openNext(): OpenBatch | undefined {
		while (this.#wholeBatchAhead()) {
			const start = this.#at;
			const batch = this.#bytes.subarray(start, start + 12 + this.#bytes.readInt32BE(start + 8));
			this.#at += batch.length;
			const lastOffset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23));
			checkBatch(batch);
			this.#epoch = batch.readInt32BE(12);
			if (lastOffset >= this.#position) {
				if (!this.#leftOut(batch, lastOffset) && batch.readInt32BE(57) > 0) return new OpenBatch(batch, lastOffset);
				this.#position = lastOffset + 1n;
			}
		}
		return undefined;
	}

	#leftOut(batch: Buffer, lastOffset: bigint): boolean {
		const attributes = batch.readInt16BE(21);
		const [transactional, control] = [(attributes & 0x10) !== 0, (attributes & 0x20) !== 0];
		const producerId = batch.readBigInt64BE(43);
		for (let next = this.#aborted[0]; next && next.firstOffset <= lastOffset; next = this.#aborted[0]) {
			this.#aborting.add(next.producerId);
			this.#aborted.shift();
		}
		if (control) this.#aborting.delete(producerId);
		return control || (transactional && this.#aborting.has(producerId));
	}
}

function checkBatch(batch: Buffer): void {
	const magic = batch.readInt8(16);
	if (magic !== 2)
		throw new PolylogError("UNSUPPORTED", `the log holds records in the form of Kafka before 0.11 (magic ${magic}), which is not read`);
	if (crc32c(batch.subarray(21)) !== batch.readUInt32BE(17))
		throw new Error(`the record batch at offset ${batch.readBigInt64BE(0)} arrived damaged: its checksum is wrong`);
}

/** Reads the records of one batch in order. */
class OpenBatch {
	readonly lastOffset: bigint;
	readonly #baseOffset: bigint;
	readonly #baseTime: number;
	/** Of all records, where the broker stamps them. */
	readonly #logTime: number | undefined;
	readonly #bytes: Buffer;
	#left: number;
	#at = 0;

	constructor(batch: Buffer, lastOffset: bigint) {
		const attributes = batch.readInt16BE(21);
		this.lastOffset = lastOffset;
		this.#baseOffset = batch.readBigInt64BE(0);
		this.#baseTime = Number(batch.readBigInt64BE(27));
		this.#logTime = (attributes & 8) !== 0 ? Number(batch.readBigInt64BE(35)) : undefined;
		this.#left = batch.readInt32BE(57);
		this.#bytes = decompress(attributes & 7, batch.subarray(HEADER_BYTES));
	}

	get exhausted(): boolean {
		return this.#left === 0;
	}

	next(): RawRecord | undefined {
		if (this.#left === 0) return undefined;
		this.#left--;
		const end = this.#varint() + this.#at;
		this.#at++;
		const timestamp = this.#logTime ?? this.#baseTime + this.#varint();
		if (this.#logTime !== undefined) this.#varint();
		const offset = this.#baseOffset + BigInt(this.#varint());
		const key = this.#content();
		const value = this.#content() ?? null;
		const headers = this.#headers();
		this.#at = end;
		return { offset, timestamp, key, value, headers };
	}

	#headers(): RawHeaders {
		const count = this.#varint();
		if (count <= 0) return NO_HEADERS;
		const headers: [string, Uint8Array][] = [];
		for (let i = 0; i < count; i++) headers.push([this.#content()?.toString() ?? "", this.#content() ?? new Uint8Array()]);
		return headers;
	}

	#content(): Buffer | undefined {
		const length = this.#varint();
		if (length < 0) return undefined;
		const start = this.#at;
		if (start + length > this.#bytes.length) throw new RangeError("a record is longer than its batch");
		this.#at = start + length;
		return this.#bytes.subarray(start, this.#at);
	}

	/** Zigzag. Past 28 bits by multiplication, since shifts would lose the upper ones. */
	#varint(): number {
		const bytes = this.#bytes;
		let byte = bytes[this.#at++];
		if (byte === undefined) throw new RangeError("a record batch ends within a record");
		if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
		let value = byte & 0x7f;
		for (let scale = 128; ; scale *= 128) {
			byte = bytes[this.#at++];
			if (byte === undefined || scale > 2 ** 56) throw new RangeError("a record batch holds a varint that does not end");
			value += (byte & 0x7f) * scale;
			if (byte < 0x80) break;
		}
		return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
	}
}

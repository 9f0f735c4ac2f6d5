// Entries of a stream as records, read in place from a packed XRANGE reply (entry-packing.ts).
import type { RawRecord } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { toRecord } from "./message-mapping.ts";
import { numberIn } from "./servers/entry-packing.ts";

const LF = 0x0a;
const LIST = 0x2a;
const STRING = 0x24;
const ZERO = 0x30;
const VALUE = Buffer.from("value");
const KEY = Buffer.from("key");
const TIME = Buffer.from("time");
/** Digits that a number holds exactly. */
const EXACT_DIGITS = 15;

/** Up to `count` records from the id `from` on. `client` must be of a link that packs. */
export async function readRecords(client: Redis, stream: string, from: string, count: number): Promise<RawRecord[]> {
	const reply: unknown = await client.callBuffer("XRANGE", stream, from, "+", "COUNT", count);
	if (Buffer.isBuffer(reply)) return recordsIn(reply);
	if (Array.isArray(reply) && reply.length === 0) return [];
	throw new TypeError("the reply to XRANGE is not a packed list of entries");
}

/** Values and keys are views of `packed`. Throws TypeError for anything that is not a list of entries. */
export function recordsIn(packed: Buffer): RawRecord[] {
	const source = new Source(packed);
	return Array.from({ length: source.header(LIST) }, () => source.record());
}

class Source {
	readonly #packed: Buffer;
	#at = 0;

	constructor(packed: Buffer) {
		this.#packed = packed;
	}

	header(type: number): number {
		const packed = this.#packed;
		const start = this.#at;
		if (packed[start] !== type) throw new TypeError(`expected type ${type} at byte ${start}, not ${packed[start]}`);
		let end = start + 1;
		while (end < packed.length && packed[end] !== LF) end += 1;
		if (end === packed.length) throw new TypeError(`the line at byte ${start} has no end`);
		this.#at = end + 1;
		return numberIn(packed, start + 1, end - 1);
	}

	/** An entry as this library writes it; any other goes the long way. */
	record(): RawRecord {
		const packed = this.#packed;
		if (this.header(LIST) !== 2) throw new TypeError("an entry is not an id and its fields");
		const idStart = this.#string();
		const idEnd = this.#at - 2;
		const fields = this.header(LIST);
		const fieldsAt = this.#at;
		const offset = denseOffset(packed, idStart, idEnd);
		let value: Buffer | undefined;
		let key: Buffer | undefined;
		let time: number | undefined;
		for (let field = 0; field < fields; field += 2) {
			const name = this.#string();
			const nameEnd = this.#at - 2;
			const content = this.#string();
			const contentEnd = this.#at - 2;
			if (is(packed, name, nameEnd, VALUE)) value = packed.subarray(content, contentEnd);
			else if (is(packed, name, nameEnd, KEY)) key = packed.subarray(content, contentEnd);
			else if (is(packed, name, nameEnd, TIME)) time = digits(packed, content, contentEnd);
			else return this.#anyRecord(packed.subarray(idStart, idEnd), fields, fieldsAt);
		}
		if (offset === undefined || value === undefined || time === undefined)
			return this.#anyRecord(packed.subarray(idStart, idEnd), fields, fieldsAt);
		return { offset: BigInt(offset), key, value, headers: [], timestamp: time };
	}

	#anyRecord(id: Buffer, count: number, fieldsAt: number): RawRecord {
		this.#at = fieldsAt;
		const fields = Array.from({ length: count }, () => {
			const start = this.#string();
			return this.#packed.subarray(start, this.#at - 2);
		});
		return toRecord([id, fields]);
	}

	/** Where a string begins; the place is then behind its line end. */
	#string(): number {
		const length = this.header(STRING);
		const start = this.#at;
		this.#at = start + length + 2;
		if (this.#at > this.#packed.length) throw new TypeError(`a string ends at byte ${this.#at} of ${this.#packed.length}`);
		return start;
	}
}

function is(packed: Buffer, start: number, end: number, known: Buffer): boolean {
	if (end - start !== known.length) return false;
	for (let at = 0; at < known.length; at++) if (packed[start + at] !== known[at]) return false;
	return true;
}

/** Of an id `0-N`. */
function denseOffset(packed: Buffer, start: number, end: number): number | undefined {
	if (packed[start] !== ZERO || packed[start + 1] !== 0x2d) return undefined;
	const sequence = digits(packed, start + 2, end);
	return sequence === undefined ? undefined : sequence - 1;
}

function digits(packed: Buffer, start: number, end: number): number | undefined {
	if (end === start || end - start > EXACT_DIGITS) return undefined;
	let value = 0;
	for (let at = start; at < end; at++) {
		const digit = (packed[at] ?? 0) - ZERO;
		if (digit < 0 || digit > 9) return undefined;
		value = value * 10 + digit;
	}
	return value;
}

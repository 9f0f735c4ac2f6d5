import { describe, expect, it } from "vitest";
import { EntryPacker } from "./entry-packing.ts";
import { recordsIn } from "../entry-reading.ts";

const bulk = (bytes: Buffer | string) => Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), Buffer.from(bytes), Buffer.from("\r\n")]);
const list = (...parts: readonly Buffer[]) => Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts]);
const entry = (id: string, ...fields: readonly (Buffer | string)[]) => list(bulk(id), list(...fields.map(bulk)));

/** All that the decoder gets, in the pieces it gets it in. */
function packed(bytes: Buffer, size: number): Buffer[] {
	const packer = new EntryPacker();
	const pieces: Buffer[] = [];
	for (let at = 0; at < bytes.length; at += size) pieces.push(...packer.take(bytes.subarray(at, at + size)));
	return pieces;
}

const PLAIN = ["+OK\r\n", "-ERR *1 $2\r\n", ":12\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "$0\r\n\r\n"].map((text) => Buffer.from(text));
const FLAT = list(bulk("1"), Buffer.from(":7\r\n"), list(bulk("inner")), bulk("*1\r\n$1\r\n"));
const ENTRIES = list(entry("0-1", "value", "a\r\nb", "time", "5"), entry("0-2", "value", Buffer.alloc(300, 0x0d), "time", "6"));

describe("a packer of entries", () => {
	it.each([1, 2, 3, 7, 64, 100_000])("changes lists of lists alone, in chunks of %i bytes", (size) => {
		const stream = Buffer.concat([...PLAIN, ENTRIES, FLAT, ENTRIES, ...PLAIN]);
		const expected = Buffer.concat([...PLAIN, bulk(ENTRIES), FLAT, bulk(ENTRIES), ...PLAIN]);
		expect(Buffer.concat(packed(stream, size)).equals(expected)).toBe(true);
	});

	it("gives each list of entries whole, in one piece, and nothing before", () => {
		const pieces = packed(ENTRIES, 10);
		expect(pieces).toHaveLength(1);
		expect(new EntryPacker().take(ENTRIES.subarray(0, -1))).toEqual([]);
	});
});

describe("records of a packed reply", () => {
	it("have what was stored, in order", () => {
		const reply = list(
			entry("0-1", "value", "a", "time", "1700000000000"),
			entry("0-2", "value", "", "key", Buffer.from([0, 255]), "time", "6"),
			entry("0-3", "tombstone", "1", "key", "k", "time", "7"),
			entry("0-4", "value", "v", "time", "8", "h:a", "1", "h:a", Buffer.from([255])),
			entry("5-6", "item", "7"),
			entry("0-18446744073709551615", "value", "v", "time", "9"),
		);
		expect(recordsIn(reply)).toEqual([
			{ offset: 0n, key: undefined, value: Buffer.from("a"), headers: [], timestamp: 1_700_000_000_000 },
			{ offset: 1n, key: Buffer.from([0, 255]), value: Buffer.alloc(0), headers: [], timestamp: 6 },
			{ offset: 2n, key: Buffer.from("k"), value: null, headers: [], timestamp: 7 },
			{
				offset: 3n,
				key: undefined,
				value: Buffer.from("v"),
				headers: [
					["a", "1"],
					["a", Buffer.from([255])],
				],
				timestamp: 8,
			},
			{ offset: (5n << 64n) + 6n, key: undefined, value: Buffer.from('{"item":"7"}'), headers: [], timestamp: 5 },
			{ offset: 18_446_744_073_709_551_614n, key: undefined, value: Buffer.from("v"), headers: [], timestamp: 9 },
		]);
	});

	it("that was cut off or is something else is refused", () => {
		for (let length = 0; length < ENTRIES.length - 1; length++) expect(() => recordsIn(ENTRIES.subarray(0, length))).toThrow(TypeError);
		expect(() => recordsIn(FLAT)).toThrow("expected type");
		expect(() => recordsIn(list(list(bulk("0-1"))))).toThrow("not an id and its fields");
	});
});

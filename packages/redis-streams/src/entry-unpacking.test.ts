import { expect, it } from "vitest";
import { packBatch } from "./batch-encoding.ts";
import { unpackEntries } from "./entry-unpacking.ts";

const text = (bytes: Buffer) => bytes.toString("latin1");

/** Short forms, as Redis packs. */
function packed(...parts: readonly (number | string | Buffer)[]): Buffer {
	return Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part))));
}

it("unpacks ids and fields in order, in every length that MessagePack has", () => {
	const lengths = [0, 1, 31, 32, 255, 256, 65_535, 65_536];
	const fields = lengths.map((length) => Buffer.alloc(length, length));
	const prefixes = [[0xa0], [0xa1], [0xbf], [0xd9, 32], [0xd9, 255], [0xda, 1, 0], [0xda, 255, 255], [0xdb, 0, 1, 0, 0]];
	const strings = fields.flatMap((bytes, at) => [Buffer.from(prefixes[at] ?? []), bytes]);
	const [entry, ...rest] = unpackEntries(packed(0x91, 0x92, 0xa3, "0-7", 0x98, ...strings));
	expect(rest).toEqual([]);
	expect(entry && text(entry[0])).toBe("0-7");
	expect(entry?.[1].map((bytes) => bytes.length)).toEqual(lengths);
	expect(entry?.[1].every((bytes, at) => bytes.equals(fields[at] ?? Buffer.alloc(1)))).toBe(true);
});

it("unpacks lists of every length", () => {
	const entry = packed(0x92, 0xa3, "0-1", 0x92, 0xa1, "a", 0xa1, "b");
	const many = (prefix: readonly number[], count: number) => packed(...prefix, ...Array.from({ length: count }, () => entry));
	expect(unpackEntries(many([0x9f], 15))).toHaveLength(15);
	expect(unpackEntries(many([0xdc, 1, 1], 257))).toHaveLength(257);
	expect(unpackEntries(many([0xdd, 0, 1, 0, 1], 65_537))).toHaveLength(65_537);
	expect(unpackEntries(packBatch([])).length).toBe(0);
});

it("refuses what is cut off or of another type", () => {
	const whole = packed(0x91, 0x92, 0xa3, "0-1", 0x92, 0xa1, "a", 0xa1, "b");
	for (let length = 0; length < whole.length; length++) expect(() => unpackEntries(whole.subarray(0, length))).toThrow(/./);
	expect(() => unpackEntries(packed(0x80))).toThrow("expected a packed list");
	expect(() => unpackEntries(packed(0x91, 0x92, 0x07))).toThrow("expected a packed string");
	expect(() => unpackEntries(packed(0x91, 0x93))).toThrow("not an id and its fields");
});

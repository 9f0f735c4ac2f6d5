import { isUtf8 } from "node:buffer";
import type { OutgoingRecord } from "@polylog/core/driver";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recordBytes, type StreamField, toFields, toRecord } from "./message-mapping.ts";

const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
/** Well-formed text: what is not cannot be UTF-8. */
const text = fc.string({ unit: "grapheme" });
const record: fc.Arbitrary<OutgoingRecord> = fc.record({
	key: fc.option(bytes, { nil: undefined }),
	value: fc.option(bytes, { nil: null }),
	headers: fc.array(fc.tuple(text, fc.oneof(text, bytes)), { maxLength: 6 }),
	timestamp: fc.integer({ min: 0, max: 8.64e15 }),
});

function stored(fields: readonly StreamField[]): Buffer[] {
	return fields.map((field) => Buffer.from(field));
}

function entry(id: string, ...fields: StreamField[]) {
	return toRecord([Buffer.from(id), stored(fields)]);
}

describe("a record", () => {
	it("comes back as it was: bytes, tombstones, repeated headers in their order, text as text", () => {
		fc.assert(
			fc.property(record, (original) => {
				const back = toRecord([Buffer.from("0-5"), stored(toFields(original))]);
				const headers = original.headers.map(([name, value]) => [
					name,
					typeof value === "string" || !isUtf8(value) ? value : Buffer.from(value).toString(),
				]);
				expect(back).toEqual({ ...original, headers, offset: 4n });
			}),
		);
	});

	it("keeps headers that are named like its own fields", () => {
		const original: OutgoingRecord = {
			key: undefined,
			value: Buffer.from("v"),
			headers: [
				["value", "x"],
				["time", "y"],
				["tombstone", "z"],
			],
			timestamp: 1,
		};
		expect(toRecord([Buffer.from("0-1"), stored(toFields(original))])).toEqual({ ...original, offset: 0n });
	});

	it("begins with the same fields in the same order, which Redis stores compactly", () => {
		expect(toFields({ key: Buffer.from("k"), value: Buffer.from("v"), headers: [["a", "b"]], timestamp: 5 })).toEqual([
			"value",
			Buffer.from("v"),
			"key",
			Buffer.from("k"),
			"time",
			"5",
			"h:a",
			"b",
		]);
	});

	it("counts bytes of value, key and headers", () => {
		expect(recordBytes({ offset: 0n, key: Buffer.from("kk"), value: Buffer.from("vvv"), headers: [["n", "12"]], timestamp: 0 })).toBe(8);
	});
});

describe("an entry of another program", () => {
	it("without `value` reads as a JSON object of its fields, stamped by its id", () => {
		const read = entry("1700000000000-0", "item", "7", "total", "12.5");
		expect(JSON.parse(String(read.value))).toEqual({ item: "7", total: "12.5" });
		expect(read).toMatchObject({ key: undefined, headers: [], timestamp: 1_700_000_000_000 });
	});

	it("gives its key, time and headers to the record", () => {
		const read = entry("5-0", "key", "k", "time", "99", "h:trace", "t", "a", "b");
		expect(read).toMatchObject({ key: Buffer.from("k"), timestamp: 99, headers: [["trace", "t"]] });
		expect(JSON.parse(String(read.value))).toEqual({ key: "k", time: "99", "h:trace": "t", a: "b" });
	});

	it("with a field __proto__ touches no prototype", () => {
		const read = entry("5-0", "__proto__", "polluted");
		expect(String(read.value)).toBe('{"__proto__":"polluted"}');
		expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
	});

	it("with `value` keeps its other fields as headers", () => {
		expect(entry("5-0", "value", "v", "source", "cron")).toMatchObject({ value: Buffer.from("v"), headers: [["source", "cron"]] });
	});

	it("with a time that is none is stamped by its id, or by 0 where that has none", () => {
		expect(entry("5-0", "value", "v", "time", "yesterday").timestamp).toBe(5);
		expect(entry("0-5", "value", "v").timestamp).toBe(0);
	});

	it("of any bytes reads as some record", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.tuple(
						fc.oneof(
							bytes,
							fc.constantFrom("value", "key", "time", "tombstone", "h:", "h:a").map((name) => Buffer.from(name)),
						),
						bytes,
					),
					{
						minLength: 1,
						maxLength: 5,
					},
				),
				(pairs) => {
					const read = toRecord([Buffer.from("7-3"), pairs.flat()]);
					expect(Number.isFinite(read.timestamp)).toBe(true);
					expect(read.value === null || read.value.length >= 0).toBe(true);
				},
			),
		);
	});
});

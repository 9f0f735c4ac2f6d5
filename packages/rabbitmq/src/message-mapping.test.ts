import type { OutgoingRecord } from "@polylog/core/driver";
import type { ConsumeMessage } from "amqplib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toMessage, toRecord } from "./message-mapping.ts";

const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
const text = fc.string({ unit: "grapheme" });
const name = fc.oneof(
	text,
	fc.constantFrom("__proto__", "constructor", "CC", "BCC", "x-polylog-key", "x-stream-offset", "2", "10", "a", "b", ""),
);
const record: fc.Arbitrary<OutgoingRecord> = fc.record({
	key: fc.option(bytes, { nil: undefined }),
	value: fc.option(bytes, { nil: null }),
	headers: fc.array(fc.tuple(name, fc.oneof(text, bytes)), { maxLength: 6 }),
	timestamp: fc.integer({ min: 0, max: 8.64e15 }),
});

/** As the broker gives it back: the table sorted, as RabbitMQ 3.10 does, and read into a plain object, as amqplib does. */
function delivered({ content, options }: ReturnType<typeof toMessage>, offset: unknown = 5): ConsumeMessage {
	const headers: Record<string, unknown> = {};
	for (const each of Object.keys(options.headers).toSorted()) headers[each] = options.headers[each];
	headers["x-stream-offset"] = offset;
	return message(content, headers);
}

function message(content: Buffer, headers: Record<string, unknown> | undefined, properties: Record<string, unknown> = {}): ConsumeMessage {
	return { content, fields: { routingKey: "q" }, properties: { headers, ...properties } } as ConsumeMessage;
}

describe("a record", () => {
	it("comes back as it was: bytes, tombstones, repeated headers in their order, whatever their names", () => {
		fc.assert(
			fc.property(record, (original) => {
				expect(toRecord(delivered(toMessage(original, "id")))).toEqual({ ...original, offset: 5n });
			}),
		);
	});

	it("comes back from RabbitMQ 4 too, which gives bytes in headers back as text", () => {
		const asText = (value: unknown) => (Buffer.isBuffer(value) ? value.toString() : value);
		const asBytes = ([header, value]: readonly [string, string | Uint8Array]) => [header, Buffer.from(value as string)];
		fc.assert(
			fc.property(record, (original) => {
				const { content, properties } = delivered(toMessage(original, "id"));
				const headers = Object.fromEntries(Object.entries(properties.headers ?? {}).map(([header, value]) => [header, asText(value)]));
				const back = toRecord(message(content, headers));
				expect({ ...back, headers: back.headers.map(asBytes) }).toEqual({
					...original,
					headers: original.headers.map(asBytes),
					offset: 5n,
				});
			}),
		);
	});

	it("tells an empty value from a tombstone", () => {
		const empty: OutgoingRecord = { key: undefined, value: Buffer.alloc(0), headers: [], timestamp: 1 };
		expect(toRecord(delivered(toMessage(empty, "id"))).value).toEqual(Buffer.alloc(0));
		expect(toRecord(delivered(toMessage({ ...empty, value: null }, "id"))).value).toBeNull();
	});

	it("is refused if its key and headers do not fit into a frame", () => {
		const big: OutgoingRecord = { key: undefined, value: null, headers: [["h", "x".repeat(70_000)]], timestamp: 1 };
		expect(() => toMessage(big, "id")).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
		expect(() => toMessage({ ...big, headers: [], key: Buffer.alloc(70_000) }, "id")).toThrow(
			expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }),
		);
		expect(toMessage({ ...big, headers: [["h", "x".repeat(50_000)]] }, "id").options.headers["h"]).toHaveLength(50_000);
	});

	it("never lets a header route the message elsewhere", () => {
		const { options } = toMessage(
			{
				key: undefined,
				value: null,
				headers: [
					["CC", "q"],
					["BCC", "r"],
				],
				timestamp: 1,
			},
			"id",
		);
		expect(Object.keys(options.headers)).not.toEqual(expect.arrayContaining(["CC"]));
		expect(Object.keys(options.headers)).not.toEqual(expect.arrayContaining(["BCC"]));
	});
});

describe("a message of another program", () => {
	it("is a record without key: its headers as text, its own time", () => {
		const foreign = message(
			Buffer.from("v"),
			{ "x-stream-offset": 3, n: 7, t: true, at: { "!": "timestamp", value: 9 }, nil: null, table: { a: 1 } },
			{ timestamp: 1_700_000_000 },
		);
		expect(toRecord(foreign)).toEqual({
			offset: 3n,
			key: undefined,
			value: Buffer.from("v"),
			headers: [
				["at", "9"],
				["n", "7"],
				["nil", ""],
				["t", "true"],
				["table", '{"a":1}'],
			],
			timestamp: 1_700_000_000_000,
		});
	});

	it("may use our names wrongly and still reads as something", () => {
		const odd = message(Buffer.from("v"), {
			"x-stream-offset": 0,
			"x-polylog-time": "soon",
			"x-polylog-key": 5,
			"x-polylog-headers": "[[",
			"x-polylog-tombstone": true,
			a: "b",
		});
		expect(toRecord(odd)).toEqual({ offset: 0n, key: undefined, value: Buffer.from("v"), headers: [["a", "b"]], timestamp: 0 });
	});

	it("that has no offset is of a queue that is not a stream", () => {
		expect(() => toRecord(message(Buffer.from("v"), {}))).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
		expect(() => toRecord(message(Buffer.from("v"), undefined))).toThrow(/not a stream/);
	});
});

import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Message } from "./api/message.ts";
import type { RawRecord } from "./driver/record.ts";
import { MAX_HEADER_BYTES, outgoingHeaders, readHeaders } from "./headers.ts";
import { atAttempt, decodeMessage } from "./message.ts";
import { topic } from "./topic.ts";

const RAW: RawRecord = {
	key: Buffer.from("käse"),
	value: Buffer.from('{"secret":"hunter2"}'),
	headers: [["trace", "abc"]],
	timestamp: 1_700_000_000_000,
	offset: 9n,
};
const DELIVERY = { partition: { topic: "orders", index: 2 }, fence: 5n, attempt: 1 };

function read(record: RawRecord = RAW): Message<unknown> {
	return decodeMessage(topic("orders"), record, DELIVERY) as Message<unknown>;
}

describe("message", () => {
	test("it carries what is known about the record and its delivery", () => {
		const message = read();
		expect(message).toMatchObject({
			partition: { topic: "orders", index: 2 },
			offset: 9n,
			key: "käse",
			value: { secret: "hunter2" },
			attempt: 1,
			fence: 5n,
		});
		expect(message.timestamp).toEqual(new Date(1_700_000_000_000));
		expect(message.headers.get("trace")).toBe("abc");
		expect(message.raw).toBe(RAW);
	});

	test("console.log of it is short and shows no value", () => {
		expect(inspect(read())).toBe('Message(orders/2@9 key="käse")');
		expect(inspect(read({ ...RAW, key: undefined }))).toBe("Message(orders/2@9)");
		expect(inspect([read()], { depth: 9, showHidden: true })).not.toContain("hunter2");
	});

	test("JSON of it has its offset and fence as decimal strings", () => {
		expect(JSON.parse(JSON.stringify(read()))).toMatchObject({ offset: "9", fence: "5", key: "käse", headers: [["trace", "abc"]] });
	});

	test("at another attempt it is the same message", () => {
		const again = atAttempt(read(), 3);
		expect(again).toMatchObject({ attempt: 3, offset: 9n, key: "käse", value: { secret: "hunter2" } });
	});

	test("it is a promise only for an asynchronous schema", async () => {
		const slow = topic("orders", { value: z.unknown().refine(async () => true) });
		const message = decodeMessage(slow, RAW, DELIVERY);
		expect(message).toBeInstanceOf(Promise);
		expect((await message).offset).toBe(9n);
	});
});

describe("headers", () => {
	test("a name may repeat, in order, and bytes are read as text", () => {
		const headers = readHeaders([
			["a", "1"],
			["b", Buffer.from("zwei")],
			["a", "3"],
		]);
		expect(headers.size).toBe(3);
		expect(headers.get("a")).toBe("1");
		expect(headers.getAll("a")).toEqual(["1", "3"]);
		expect(headers.get("b")).toBe("zwei");
		expect(headers.raw("b")).toBeInstanceOf(Uint8Array);
		expect([...headers].map(([name]) => name)).toEqual(["a", "b", "a"]);
		expect(headers.has("c")).toBe(false);
		expect(headers.get("c")).toBeUndefined();
	});

	test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("a header named %s is a header like any other", (name) => {
		expect(readHeaders([]).get(name)).toBeUndefined();
		expect(readHeaders([]).has(name)).toBe(false);
		const headers = readHeaders([[name, "x"]]);
		expect(headers.get(name)).toBe("x");
		expect(JSON.stringify(headers)).toBe(JSON.stringify([[name, "x"]]));
		expect(outgoingHeaders(JSON.parse(`{"${name}":"x"}`))).toEqual([[name, "x"]]);
	});

	test("an object, pairs, a Map and the headers of a message can be sent", () => {
		expect(outgoingHeaders({ a: "1" })).toEqual([["a", "1"]]);
		expect(
			outgoingHeaders([
				["a", "1"],
				["a", "2"],
			]),
		).toEqual([
			["a", "1"],
			["a", "2"],
		]);
		expect(outgoingHeaders(new Map([["a", "1"]]))).toEqual([["a", "1"]]);
		expect(outgoingHeaders(readHeaders([["a", "1"]]))).toEqual([["a", "1"]]);
		expect(outgoingHeaders(undefined)).toEqual([]);
	});

	test("64 headers and 16 KiB can be sent, one more cannot", () => {
		const many = (count: number) => Array.from({ length: count }, (_, i): [string, string] => [`h${i}`, ""]);
		expect(outgoingHeaders(many(64))).toHaveLength(64);
		expect(() => outgoingHeaders(many(65))).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
		expect(outgoingHeaders({ a: "x".repeat(MAX_HEADER_BYTES - 1) })).toHaveLength(1);
		expect(() => outgoingHeaders({ a: "ä".repeat(MAX_HEADER_BYTES / 2) })).toThrow(expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }));
	});

	test.each([[{ a: 5 }], [{ "": "x" }], [{ a: "\ud800" }], [[[5, "x"]]], [{ a: null }]])("%j is CODEC_FAILED", (input) => {
		expect(() => outgoingHeaders(input as never)).toThrow(expect.objectContaining({ code: "CODEC_FAILED" }));
	});

	test("console.log shows names only", () => {
		expect(inspect(readHeaders([["authorization", "Bearer abc"]]))).toBe('MessageHeaders("authorization")');
	});
});

import * as fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { RawRecord } from "../driver/record.ts";
import { isPolylogError } from "../errors.ts";
import { topic } from "../topic.ts";
import { bytes } from "./bytes.ts";
import { text } from "./text.ts";
import { decodeValue, encodeValue } from "./value.ts";

const anything = topic("orders");
const PLACE = { topic: "orders", index: 3 };

function raw(value: Uint8Array | string | null): RawRecord {
	return { key: undefined, headers: [], timestamp: 0, offset: 17n, value: typeof value === "string" ? Buffer.from(value) : value };
}

function caught(work: () => unknown): unknown {
	try {
		return work();
	} catch (error) {
		return error;
	}
}

describe("json", () => {
	test("every JSON value comes back as it was sent", () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				fc.pre(!JSON.stringify(value).includes("__proto__"));
				const encoded = encodeValue(anything, value);
				expect(decodeValue(anything, raw(encoded as Uint8Array | null))).toEqual(JSON.parse(JSON.stringify(value)));
			}),
		);
	});

	test("null is a tombstone, both ways", () => {
		expect(encodeValue(anything, null)).toBeNull();
		expect(decodeValue(anything, raw(null))).toBeNull();
	});

	test.each([
		['{"__proto__":{"polluted":1}}'],
		['{"a":[{"b":{"__proto__":null}}]}'],
		['{"\\u005f\\u005fproto__":{"polluted":1}}'],
		['{"constructor":{"prototype":{"polluted":1}}}'],
		['{"constr\\u0075ctor":{"\\u0070rototype":{"polluted":1}}}'],
	])("%s is refused, and no prototype is touched", (evil) => {
		const error = caught(() => decodeValue(anything, raw(evil), PLACE));
		expect(isPolylogError(error, "CODEC_FAILED")).toBe(true);
		expect(error).toMatchObject({ context: { topic: "orders", partition: 3, offset: 17n } });
		expect(({} as { polluted?: number }).polluted).toBeUndefined();
		expect(
			isPolylogError(
				caught(() => encodeValue(anything, JSON.parse(evil))),
				"CODEC_FAILED",
			),
		).toBe(true);
	});

	test.each([
		'{"text":"__proto__"}',
		'{"constructor":"prototype"}',
		'{"constructor":1,"prototype":2}',
		'{"a":"\\u0041"}',
		'{"note":"\\"__proto__\\":1"}',
	])("%s is harmless and comes through", (fine) => {
		expect(decodeValue(anything, raw(fine))).toEqual(JSON.parse(fine));
	});

	test("no arrangement of nested keys gets a __proto__ key through", () => {
		const json = fc.letrec((tie) => ({
			node: fc.oneof(
				{ depthSize: "small" },
				fc.constant("1"),
				fc.array(tie("node")).map((nodes) => `[${nodes.join()}]`),
				fc
					.dictionary(fc.constantFrom("a", "__proto__", "constructor", "prototype"), tie("node") as fc.Arbitrary<string>, {
						noNullPrototype: true,
					})
					.map(
						(object) =>
							`{${Object.entries(object)
								.map(([key, node]) => `${JSON.stringify(key)}:${node}`)
								.join()}}`,
					),
			),
		})).node;
		fc.assert(
			fc.property(json, (source) => {
				const outcome = caught(() => decodeValue(anything, raw(source)));
				expect(isPolylogError(outcome, "CODEC_FAILED") ? "refused" : outcome).toEqual(
					isEvil(JSON.parse(source)) ? "refused" : JSON.parse(source),
				);
			}),
		);
	});

	test.each([
		["no JSON", "{secret-value", /not JSON/],
		["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
		["nested too deeply", "[".repeat(1001) + "]".repeat(1001), /nested deeper than 1000/],
		["empty", "", /not JSON/],
	])("a record that is %s is CODEC_FAILED, and the error shows none of it", (_, value, message) => {
		const error = caught(() => decodeValue(anything, raw(value)));
		expect(isPolylogError(error, "CODEC_FAILED")).toBe(true);
		expect(String(error)).toMatch(message);
		expect(inspect(error, { depth: 9 })).not.toContain("secret-value");
	});

	test("nesting is counted outside strings, up to 1000", () => {
		const deepest = "[".repeat(1000) + "]".repeat(1000);
		expect(decodeValue(anything, raw(deepest))).toBeInstanceOf(Array);
		const brackets = JSON.stringify(`\\"${"[{".repeat(3000)}\\`);
		expect(decodeValue(anything, raw(brackets))).toBe(JSON.parse(brackets));
	});

	test.each([
		["a BigInt", { id: 7n }, /BigInt.*string/],
		["undefined", undefined, /undefined/],
		["a function", () => 1, /function/],
		["a cycle", cycle(), /refers to itself/],
		["nesting past the stack", nested(200_000), /nested/],
	])("%s cannot be sent, with an error that says why", (_, value, message) => {
		const error = caught(() => encodeValue(anything, value));
		expect(isPolylogError(error, "CODEC_FAILED")).toBe(true);
		expect(String(error)).toMatch(message);
	});
});

describe("schema", () => {
	const order = z.object({ id: z.string(), total: z.number(), lines: z.array(z.object({ sku: z.string() })) });
	const orders = topic("orders", { value: order });

	test("a synchronous schema decodes without a promise", () => {
		expect(decodeValue(orders, raw('{"id":"7","total":12,"lines":[]}'))).toEqual({ id: "7", total: 12, lines: [] });
	});

	test("what does not fit is CODEC_FAILED with the paths of the issues and not the value", () => {
		const error = caught(() => decodeValue(orders, raw('{"id":"7","total":"s3cret-total","lines":[{"sku":"ok"},{"sku":5}]}'), PLACE));
		expect(isPolylogError(error, "CODEC_FAILED")).toBe(true);
		expect(String(error)).toContain("offset 17 of orders/3");
		expect(String(error)).toContain("total: ");
		expect(String(error)).toContain("lines.1.sku: ");
		expect(inspect(error, { depth: 9 })).not.toContain("s3cret-total");
	});

	test("a value that does not fit cannot be sent", () => {
		expect(
			isPolylogError(
				caught(() => encodeValue(orders, { id: "7" } as never)),
				"CODEC_FAILED",
			),
		).toBe(true);
	});

	test("what is stored is the value as given: the schema's changes are made once, by the reader", async () => {
		const louder = topic("t", { value: z.string().transform((word) => `${word}!`) });
		const stored = encodeValue(louder, "hi") as Uint8Array;
		expect(Buffer.from(stored).toString()).toBe('"hi"');
		expect(decodeValue(louder, raw(stored))).toBe("hi!");
		const dated = topic("t", { value: z.coerce.date() });
		expect(decodeValue(dated, raw(encodeValue(dated, new Date(5)) as Uint8Array))).toEqual(new Date(5));
	});

	test("an asynchronous schema gives promises, and CODEC_FAILED as a rejection", async () => {
		const slow = topic("t", { value: z.string().refine(async (word) => word !== "bad") });
		const encoded = encodeValue(slow, "good");
		expect(encoded).toBeInstanceOf(Promise);
		expect(await decodeValue(slow, raw((await encoded) as Uint8Array))).toBe("good");
		await expect(encodeValue(slow, "bad")).rejects.toMatchObject({ code: "CODEC_FAILED" });
		await expect(decodeValue(slow, raw('"bad"'))).rejects.toMatchObject({ code: "CODEC_FAILED" });
	});

	test("hundreds of issues make a short message", () => {
		const list = topic("t", { value: z.array(z.number()) });
		const error = caught(() => decodeValue(list, raw(JSON.stringify(Array.from({ length: 500 }, () => "x")))));
		expect(String(error)).toContain("and 495 more");
		expect(String(error).length).toBeLessThan(1500);
	});
});

describe("other codecs", () => {
	test("bytes come back as they were sent, and a tombstone is no bytes", () => {
		const blobs = topic("t", { codec: bytes() });
		const value = Uint8Array.of(0, 255, 7);
		expect(encodeValue(blobs, value)).toBe(value);
		expect(decodeValue(blobs, raw(value))).toBe(value);
		expect(
			isPolylogError(
				caught(() => decodeValue(blobs, raw(null))),
				"CODEC_FAILED",
			),
		).toBe(true);
		expect(
			isPolylogError(
				caught(() => encodeValue(blobs, "x" as never)),
				"CODEC_FAILED",
			),
		).toBe(true);
	});

	test("text is kept exactly, byte order mark included; what UTF-8 cannot say is refused", () => {
		const lines = topic("t", { codec: text() });
		expect(decodeValue(lines, raw(encodeValue(lines, "\ufeffäß") as Uint8Array))).toBe("\ufeffäß");
		expect(
			isPolylogError(
				caught(() => encodeValue(lines, "\ud800")),
				"CODEC_FAILED",
			),
		).toBe(true);
		expect(
			isPolylogError(
				caught(() => decodeValue(lines, raw(Buffer.from([0xc0])))),
				"CODEC_FAILED",
			),
		).toBe(true);
	});

	test("what a codec of one's own throws is wrapped, whatever it is", () => {
		const odd = topic<string>("t", {
			codec: {
				name: "odd",
				encode() {
					return JSON.parse("no JSON at all");
				},
				decode() {
					throw new Error("cannot");
				},
			},
		});
		expect(
			isPolylogError(
				caught(() => encodeValue(odd, "x")),
				"CODEC_FAILED",
			),
		).toBe(true);
		expect(String(caught(() => decodeValue(odd, raw("x"))))).toContain("odd): cannot");
	});
});

function isEvil(value: unknown): boolean {
	if (typeof value !== "object" || value === null) return false;
	return Object.entries(value).some(
		([key, child]) =>
			key === "__proto__" ||
			(key === "constructor" && typeof child === "object" && Object.keys(child).includes("prototype")) ||
			isEvil(child),
	);
}

function cycle(): unknown {
	const value: { self?: unknown } = {};
	value.self = value;
	return value;
}

function nested(depth: number): unknown {
	let value: unknown = 1;
	for (let i = 0; i < depth; i++) value = [value];
	return value;
}

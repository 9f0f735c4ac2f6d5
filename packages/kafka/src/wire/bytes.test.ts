import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "./bytes.ts";

describe("Kafka's plain values", () => {
	it.each([false, true])("read back what was written (flexible: %s)", (flexible) => {
		fc.assert(
			fc.property(
				fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
				fc.option(fc.uint8Array(), { nil: undefined }),
				fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
				fc.nat(2 ** 32 - 1),
				(text, bytes, big, small) => {
					const to = new ByteWriter(flexible);
					to.string(text)
						.bytes(bytes)
						.int64(big)
						.unsignedVarint(small)
						.boolean(true)
						.array([1, -2], (n) => to.int16(n))
						.tags();
					const from = new ByteReader(to.written, flexible);
					expect(from.nullableString()).toBe(text === undefined ? undefined : Buffer.from(text).toString());
					const read = from.nullableBytes();
					expect(read && new Uint8Array(read)).toEqual(bytes);
					expect(from.int64()).toBe(big);
					expect(from.unsignedVarint()).toBe(small);
					expect(from.boolean()).toBe(true);
					expect(from.array(() => from.int16())).toEqual([1, -2]);
					from.tags();
					expect(from.remaining).toBe(0);
				},
			),
		);
	});

	it("tell of answers that are too short, instead of making room for what they promise", () => {
		expect(() => new ByteReader(Buffer.from([0x7f, 0xff, 0xff, 0xff])).array(() => 0)).toThrow(RangeError);
		expect(() => new ByteReader(Buffer.from([0, 5, 1])).string()).toThrow(RangeError);
		expect(() => new ByteReader(Buffer.alloc(3)).int32()).toThrow(RangeError);
	});

	it("skip tagged fields that are not known", () => {
		const from = new ByteReader(Buffer.from([2, 0, 2, 9, 9, 5, 1, 7, 42]), true);
		const seen: number[] = [];
		from.tags((tag, value) => seen.push(tag, value.remaining));
		expect(seen).toEqual([0, 2, 5, 1]);
		expect(from.int8()).toBe(42);
	});
});

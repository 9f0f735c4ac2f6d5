import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompress } from "./compression.ts";
import { lz4Decompress } from "./lz4.ts";
import { snappyDecompress } from "./snappy.ts";

const TEXT = "polylog".repeat(40);

describe("decompression", () => {
	it("follows back references that overlap what they write", () => {
		const snappy = Buffer.concat([Buffer.from([0x98, 0x02, 6 << 2]), Buffer.from("polylog"), ...backReferences(273)]);
		expect(snappyDecompress(snappy, 1000).toString()).toBe(TEXT);
	});

	it("reads an lz4 frame with a back reference", () => {
		// Token: 7 literals, a match of 4 + 15 + 254 = 273 bytes at distance 7.
		const block = Buffer.concat([Buffer.from([0x7f]), Buffer.from("polylog"), Buffer.from([7, 0, 254])]);
		const head = Buffer.alloc(4);
		head.writeUInt32LE(block.length);
		const frame = Buffer.concat([Buffer.from("04224d18604082", "hex"), head, block, Buffer.alloc(4)]);
		expect(lz4Decompress(frame, 1000).toString()).toBe(TEXT);
		expect(() => lz4Decompress(frame, 100)).toThrow(RangeError);
	});

	it("refuses more content than allowed before making room for it", () => {
		expect(() => snappyDecompress(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]), 1000)).toThrow(/more than the 1000 allowed/);
	});

	it("throws for any bytes that are none of it, and does nothing else", () => {
		fc.assert(
			fc.property(fc.constantFrom(1, 2, 3, 4), fc.uint8Array({ maxLength: 200 }), (bits, bytes) => {
				expect(outcome(() => decompress(bits, Buffer.from(bytes)))).toMatch(/^(bytes|error)$/);
			}),
		);
	});
});

function outcome(work: () => unknown): string {
	try {
		return work() instanceof Buffer ? "bytes" : "something else";
	} catch (error) {
		return error instanceof Error ? "error" : "something thrown";
	}
}

/** Copies of the 7 bytes before, 64 at most each. */
function backReferences(length: number): Buffer[] {
	const copies: Buffer[] = [];
	for (let left = length; left > 0; left -= 64) copies.push(Buffer.from([((Math.min(left, 64) - 1) << 2) | 2, 7, 0]));
	return copies;
}

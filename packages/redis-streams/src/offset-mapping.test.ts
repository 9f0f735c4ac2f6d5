import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idAtOrAbove, idBefore, offsetAfterId, offsetOfId, timeOfId } from "./offset-mapping.ts";

const MAX = (1n << 64n) - 1n;
const half = fc.oneof(fc.bigInt(0n, 5n), fc.bigInt(0n, MAX), fc.bigInt(MAX - 5n, MAX));
/** Every id an entry can have: all but 0-0. */
const id = fc
	.tuple(half, half)
	.filter(([ms, sequence]) => ms > 0n || sequence > 0n)
	.map(([ms, sequence]) => `${ms}-${sequence}`);

function compareIds(a: string, b: string): number {
	const [aMs = 0n, aSequence = 0n] = a.split("-").map(BigInt);
	const [bMs = 0n, bSequence = 0n] = b.split("-").map(BigInt);
	const difference = aMs === bMs ? aSequence - bSequence : aMs - bMs;
	return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

describe("ids and offsets", () => {
	it("number dense ids from 0", () => {
		expect(["0-1", "0-2", "0-1000"].map(offsetOfId)).toEqual([0n, 1n, 999n]);
	});

	it("give a time-based id ms·2^64 + seq", () => {
		expect(offsetOfId("1700000000000-7")).toBe(1_700_000_000_000n * (1n << 64n) + 7n);
	});

	it("are the same order, so no two ids share an offset", () => {
		fc.assert(
			fc.property(id, id, (a, b) => {
				const difference = offsetOfId(a) - offsetOfId(b);
				expect(difference < 0n ? -1 : difference > 0n ? 1 : 0).toBe(compareIds(a, b));
			}),
		);
	});

	it("turn into each other and back", () => {
		fc.assert(
			fc.property(id, (each) => {
				expect(idAtOrAbove(offsetOfId(each))).toBe(each);
			}),
		);
	});

	it("find the lowest id at or above any offset, and the greatest below it", () => {
		const offset = fc.oneof(fc.bigInt(0n, 1n << 128n), fc.bigInt(MAX - 3n, MAX + 4n), fc.bigInt(0n, 5n));
		fc.assert(
			fc.property(
				offset.filter((each) => each < 1n << 128n),
				(each) => {
					const above = idAtOrAbove(each);
					const below = idBefore(each);
					expect(offsetOfId(above)).toBeGreaterThanOrEqual(each);
					expect(compareIds(below, above)).toBe(-1);
					expect(offsetOfId(below)).toBeLessThan(each);
					// Nothing lies between the two.
					expect(above).toBe(next(below));
				},
			),
		);
	});

	it("know the end of an empty log and of one with entries", () => {
		expect(offsetAfterId("0-0")).toBe(0n);
		expect(offsetAfterId("0-3")).toBe(3n);
		expect(offsetAfterId("5-0")).toBe(5n * (1n << 64n) + 1n);
	});

	it("take the time of time-based ids only", () => {
		expect(timeOfId("0-17")).toBeUndefined();
		expect(timeOfId("1700000000000-3")).toBe(1_700_000_000_000);
	});
});

function next(each: string): string {
	const [ms = 0n, sequence = 0n] = each.split("-").map(BigInt);
	return sequence === MAX ? `${ms + 1n}-0` : `${ms}-${sequence + 1n}`;
}

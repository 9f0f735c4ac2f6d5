import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeNote, encodeNote } from "./commit-note.ts";
import { eraAt, fenceOf, generationOf, nextFence } from "./fence.ts";

const NOW = Date.UTC(2026, 5, 1);

describe("fences", () => {
	it("rise with the generation within an era, and fit a signed integer of 64 bits", () => {
		const first = nextFence(undefined, 3, NOW);
		expect(nextFence(first, 4, 0)).toBeGreaterThan(first);
		expect(generationOf(nextFence(first, 4, 0))).toBe(4n);
		expect(fenceOf(eraAt(Date.UTC(2090, 0, 1)), 2 ** 24 - 1)).toBeLessThan(2n ** 63n);
	});

	it("rise when the group is made anew and its generations begin again", () => {
		const old = nextFence(nextFence(undefined, 1, NOW), 5000, 0);
		expect(nextFence(undefined, 1, NOW + 60_000)).toBeGreaterThan(old);
	});

	it("rise for a static member that restarts within one generation", () => {
		const first = nextFence(undefined, 7, NOW);
		const second = nextFence(first, 7, NOW);
		expect(second).toBe(first + 1n);
		expect(nextFence(second, 8, NOW)).toBeGreaterThan(second);
	});

	it("always rise, whatever generations follow", () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 50 }), (generations) => {
				let last: bigint | undefined;
				const rises = generations.map((generation) => {
					const before = last ?? -1n;
					last = nextFence(last, generation, NOW);
					return last > before;
				});
				expect(rises).not.toContain(false);
			}),
		);
	});
});

describe("commit notes", () => {
	it("read back what they say", () => {
		for (const last of [undefined, { offset: 41n, digest: "1a.-.lx2" }]) {
			const note = { fence: nextFence(undefined, 2, NOW), last };
			expect(decodeNote(encodeNote(note))).toEqual(note);
		}
	});

	it("are not seen in what others write there", () => {
		for (const foreign of [undefined, "", "hello", "polylog1", "polylog1 xyz", "polylog2 1f"]) expect(decodeNote(foreign)).toBeUndefined();
	});
});

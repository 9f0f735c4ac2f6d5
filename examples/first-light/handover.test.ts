import { describe, expect, it } from "vitest";
import { duplicateBounds, Handover, inexcusable, type Kill } from "./handover.ts";
import { Ledger, type Line } from "./ledger.ts";

const kill: Kill = { member: "b", atMs: 0, partitions: [1, 4], committed: new Map([[1, 2n]]) };
const batch = (member: string, partition: number, ...offsets: number[]) => ({
	member,
	partition,
	lines: offsets.map((offset): Line => ({ id: partition * 1000 + offset, offset: BigInt(offset), hash: 1, hour: 0, delay: 0 })),
});
const ledgerOf = (...batches: ReturnType<typeof batch>[]) => {
	const ledger = new Ledger();
	for (const one of batches) ledger.write(one);
	return ledger;
};

describe("a hand-over", () => {
	it("times the first batch of each partition by a new owner", () => {
		const handover = new Handover(1000, ({ member }) => member !== "b");
		expect(handover.saw(batch("b", 1, 0), 1100)).toBe(false);
		expect(handover.saw(batch("a", 1, 0), 3500)).toBe(true);
		expect(handover.saw(batch("a", 1, 1), 3600)).toBe(false);
		expect(handover.covers([1])).toBe(true);
		expect(handover.covers([1, 4])).toBe(false);
		expect([...handover.times]).toEqual([[1, 2500]]);
	});
});

describe("the bound of duplicates", () => {
	it("is what the killed member had processed past the committed offset; from the start where nothing was committed", () => {
		const ledger = ledgerOf(batch("b", 1, 0, 1, 2, 3), batch("b", 4, 0, 1), batch("a", 1, 2, 3, 4), batch("c", 4, 0, 1, 2));
		expect(duplicateBounds(kill, ledger)).toEqual([
			{ partition: 1, committed: 2n, most: 2, duplicates: 2 },
			{ partition: 4, committed: 0n, most: 2, duplicates: 2 },
		]);
		expect(inexcusable(ledger.duplicates, kill)).toEqual([]);
	});

	it("does not count what the new owner repeats once more", () => {
		const ledger = ledgerOf(batch("b", 1, 2, 3), batch("a", 1, 2, 3), batch("a", 1, 2, 3));
		expect(duplicateBounds(kill, ledger)[0]).toMatchObject({ most: 2, duplicates: 4 });
	});
});

describe("a duplicate that the kill does not excuse", () => {
	it.each([
		["below the committed offset", [batch("b", 1, 1), batch("a", 1, 1)]],
		["of a partition that the killed member did not own", [batch("b", 2, 5), batch("a", 2, 5)]],
		["first processed by another member", [batch("a", 1, 5), batch("c", 1, 5)]],
	])("is one %s", (_, batches) => {
		expect(inexcusable(ledgerOf(...batches).duplicates, kill)).toHaveLength(1);
	});

	it("is one that was stored twice", () => {
		const [first, second] = [batch("b", 1, 5), batch("a", 1, 6)];
		const same = { ...second, lines: second.lines.map((line) => ({ ...line, id: 1005 })) };
		expect(inexcusable(ledgerOf(first, same).duplicates, kill)).toHaveLength(1);
	});

	it("is any, where nobody was killed", () => {
		expect(inexcusable(ledgerOf(batch("b", 1, 5), batch("a", 1, 5)).duplicates, undefined)).toHaveLength(1);
	});
});

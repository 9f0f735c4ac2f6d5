import { describe, expect, it } from "vitest";
import { Ledger, type Line } from "./ledger.ts";

const line = (id: number, offset: number, hash = id * 7): Line => ({ id, offset: BigInt(offset), hash, hour: 12, delay: 0 });
const batch = (member: string, partition: number, ...lines: Line[]) => ({ member, partition, lines });

describe("the ledger", () => {
	it("counts distinct records and sums their hashes by partition, whatever comes twice", () => {
		const ledger = new Ledger();
		ledger.write(batch("a", 0, line(1, 0), line(4, 1)));
		ledger.write(batch("b", 1, line(2, 0)));
		ledger.write(batch("b", 0, line(4, 1), line(5, 2)));
		expect(ledger.tally.records).toBe(4);
		expect(ledger.tally.of(0)).toEqual({ records: 3, checksum: 70 });
		expect(ledger.tally.of(1)).toEqual({ records: 1, checksum: 14 });
		expect(ledger.tally.of(7)).toEqual({ records: 0, checksum: 0 });
	});

	it("has the same checksum for the same records in another order, and another for another value", () => {
		const checksum = (...lines: Line[]) => {
			const ledger = new Ledger();
			ledger.write(batch("a", 0, ...lines));
			return ledger.tally.of(0).checksum;
		};
		expect(checksum(line(2, 0), line(1, 1))).toBe(checksum(line(1, 0), line(2, 1)));
		expect(checksum(line(1, 0), line(2, 1, 99))).not.toBe(checksum(line(1, 0), line(2, 1)));
	});

	it("returns the new lines only, and keeps every repetition with who was first", () => {
		const ledger = new Ledger();
		ledger.write(batch("a", 3, line(1, 10), line(2, 11)));
		expect(ledger.write(batch("b", 3, line(2, 11), line(3, 12)))).toEqual([line(3, 12)]);
		ledger.write(batch("c", 3, line(2, 11)));
		expect(ledger.duplicates).toEqual([
			{ id: 2, member: "b", partition: 3, offset: 11n, first: { member: "a", partition: 3, offset: 11n } },
			{ id: 2, member: "c", partition: 3, offset: 11n, first: { member: "a", partition: 3, offset: 11n } },
		]);
	});

	it("takes a repetition from the committed offset for good order", () => {
		const ledger = new Ledger();
		ledger.write(batch("a", 0, line(1, 0), line(2, 1), line(3, 2)));
		ledger.write(batch("b", 0, line(2, 1), line(3, 2), line(4, 3)));
		expect(ledger.disorder(0)).toBe(0);
	});

	it("notices a record that comes after a later one, and offsets that do not rise", () => {
		const late = new Ledger();
		late.write(batch("a", 0, line(1, 0), line(5, 1)));
		late.write(batch("a", 0, line(3, 2)));
		expect(late.disorder(0)).toBe(1);
		const swapped = new Ledger();
		swapped.write(batch("a", 2, line(1, 1), line(2, 0)));
		expect(swapped.disorder(2)).toBe(1);
		expect(swapped.disorder(0)).toBe(0);
	});

	it("counts what a member was the first to process from an offset on", () => {
		const ledger = new Ledger();
		ledger.write(batch("a", 0, line(1, 0), line(2, 1), line(3, 2)));
		ledger.write(batch("b", 0, line(3, 2), line(4, 3)));
		ledger.write(batch("a", 1, line(9, 5)));
		expect(ledger.countFirst("a", 0, 1n)).toBe(2);
		expect(ledger.countFirst("b", 0, 0n)).toBe(1);
	});
});

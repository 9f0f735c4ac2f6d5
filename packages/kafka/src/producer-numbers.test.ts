import { describe, expect, it } from "vitest";
import { SequenceLine } from "./producer-numbers.ts";

function line(): SequenceLine {
	const made = new SequenceLine();
	made.start({ id: 1n, epoch: 0 });
	return made;
}

/** Kafka's number for the batch that begins with core's. */
function number(of: SequenceLine, sequence: number): number {
	of.turnTo(sequence);
	if (of.needsId) of.start({ id: 2n, epoch: 0 });
	return of.numbers().sequence;
}

describe("a line of producer numbers", () => {
	it("counts records", () => {
		const numbers = line();
		for (const [sequence, count] of [
			[0, 10],
			[10, 1],
			[11, 5],
		] as const) {
			expect(number(numbers, sequence)).toBe(sequence);
			numbers.sent();
			numbers.stored(count);
		}
		expect(number(numbers, 16)).toBe(16);
	});

	it("gives a batch in doubt the same number again", () => {
		const numbers = line();
		number(numbers, 0);
		numbers.sent();
		numbers.unanswered();
		expect(numbers.doubtful).toBe(true);
		expect(number(numbers, 0)).toBe(0);
		expect(numbers.numbers().id).toBe(1n);
	});

	it("never gives the number of a batch in doubt to another one: the broker would take that for a repeat and drop it", () => {
		const numbers = line();
		number(numbers, 0);
		numbers.sent();
		numbers.unanswered();
		number(numbers, 10);
		expect(numbers.numbers()).toEqual({ id: 2n, epoch: 0, sequence: 0 });
		expect(numbers.doubtful).toBe(false);
	});

	it("leaves no gap for a batch that certainly was not stored, which the broker would refuse", () => {
		const numbers = line();
		number(numbers, 0);
		numbers.sent();
		expect(numbers.refused()).toBe(false);
		expect(number(numbers, 10)).toBe(0);
		expect(numbers.numbers().id).toBe(1n);
	});

	it("does not call a batch refused while an earlier attempt at it is in doubt", () => {
		const numbers = line();
		number(numbers, 0);
		numbers.sent();
		numbers.unanswered();
		number(numbers, 0);
		numbers.sent();
		expect(numbers.refused()).toBe(true);
	});

	it("recognizes a batch that was stored though its caller did not hear of it", () => {
		const numbers = line();
		for (const sequence of [0, 10, 20]) {
			number(numbers, sequence);
			numbers.sent();
			numbers.stored(10);
		}
		expect(number(numbers, 20)).toBe(20);
		numbers.sent();
		numbers.stored(10);
		expect(number(numbers, 30)).toBe(30);
	});

	it("begins again at 0 where Kafka's numbers end", () => {
		const numbers = line();
		number(numbers, 0);
		numbers.sent();
		numbers.stored(2 ** 31 - 3);
		expect(number(numbers, 2 ** 31 - 3)).toBe(2 ** 31 - 3);
		numbers.sent();
		numbers.stored(5);
		expect(number(numbers, 2 ** 31 + 2)).toBe(2);
	});
});

import { describe, expect, it } from "vitest";
import { eventLine, mergeHistories, parseEventLine, parseHistory } from "./event.ts";
import { committed, observed, started } from "./telling.ts";

describe("a line of a history", () => {
	it("comes back as the event it was", () => {
		const told = [started("a", 2n ** 70n, (5n << 64n) | 3n, { key: "kéy" }), committed("a", 7n), observed(3n, { lag: 2n ** 65n })];
		for (const event of told) expect(parseEventLine(eventLine(event))).toEqual(event);
	});

	it("is read from a file, without a last one that was cut off", () => {
		const told = [started("a", 1n, 1n), started("a", 2n, 1n)];
		const text = told.map((event) => `${eventLine(event)}\n`).join("");
		expect(parseHistory(text)).toEqual(told);
		expect(parseHistory(text.slice(0, -9))).toEqual(told.slice(0, 1));
		expect(parseHistory("")).toEqual([]);
	});

	it("is put where its time is, among those of others", () => {
		const [first, second, third] = [started("a", 1n, 1n), started("b", 1n, 2n), started("a", 2n, 3n)];
		expect(mergeHistories([first, third], [second])).toEqual([first, second, third]);
	});
});

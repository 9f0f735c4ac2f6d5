import { makePlan } from "@polylog/testing/world";
import { describe, expect, it } from "vitest";
import { runPlan } from "./run-seed.ts";
import { planOf } from "./plan-of.ts";

const LIMIT_MS = 120_000;

describe("a simulated run", () => {
	it("is the same every time, line by line", { timeout: LIMIT_MS }, async () => {
		for (const seed of [1, 2]) {
			const once = await runPlan(makePlan(seed, { losses: 1 }));
			const again = await runPlan(makePlan(seed, { losses: 1 }));
			expect(again.trace.join("\n")).toBe(once.trace.join("\n"));
			expect(once.trace.length).toBeGreaterThan(50);
		}
	});

	it("is another one with another seed", { timeout: LIMIT_MS }, async () => {
		const [one, other] = [await runPlan(makePlan(4)), await runPlan(makePlan(5))];
		expect(other.trace).not.toEqual(one.trace);
	});

	// F30 and F31 of docs/faults.md.
	it.each(["a-journal-made-again", "fail-overs-of-the-journal", "entries-sent-again"])(
		"of %s: members notice the loss before anything else, and say so",
		{ timeout: LIMIT_MS },
		async (name) => {
			for (let seed = 1; seed <= 3; seed++) {
				const { violations, trace } = await runPlan(planOf(seed, name));
				expect({ seed, violations }).toEqual({ seed, violations: [] });
				expect(trace.some((line) => line.includes("was lost or cut back"))).toBe(true);
			}
		},
	);

	it("of a group whose members die one by one times take-overs", { timeout: LIMIT_MS }, async () => {
		const { violations, takeOvers } = await runPlan(planOf(1, "take-overs"));
		expect(violations).toEqual([]);
		expect(takeOvers).toBeGreaterThan(0);
	});

	// All of them are run by `npm run simulate -- --ci`.
	it("of a scenario breaks no invariant", { timeout: LIMIT_MS }, async () => {
		for (const name of ["late-copies", "resets-of-a-busy-group"]) {
			const { violations, dispatches } = await runPlan(planOf(1, name));
			expect({ name, violations }).toEqual({ name, violations: [] });
			expect(dispatches).toBeGreaterThan(0);
		}
	});
});

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

	// All of them are run by `npm run simulate -- --ci`.
	it("of a scenario breaks no invariant", { timeout: LIMIT_MS }, async () => {
		for (const name of ["late-copies", "resets-of-a-busy-group", "fail-overs-of-the-journal"]) {
			const { violations, dispatches } = await runPlan(planOf(1, name));
			expect({ name, violations }).toEqual({ name, violations: [] });
			expect(dispatches).toBeGreaterThan(0);
		}
	});
});

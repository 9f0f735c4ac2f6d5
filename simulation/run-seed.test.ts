import { makePlan } from "@polylog/testing/world";
import { describe, expect, it } from "vitest";
import { runPlan } from "./run-seed.ts";
import { scenarios } from "./scenarios.ts";

const LIMIT_MS = 60_000;

describe("a simulated run", () => {
	it("is the same every time, line by line", { timeout: LIMIT_MS }, async () => {
		for (const seed of [1, 2, 3]) {
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

	it("of every scenario breaks no invariant", { timeout: LIMIT_MS }, async () => {
		for (const [name, plan] of scenarios) {
			const { violations, dispatches } = await runPlan(plan(1));
			expect({ name, violations }).toEqual({ name, violations: [] });
			expect(dispatches).toBeGreaterThan(0);
		}
	});
});

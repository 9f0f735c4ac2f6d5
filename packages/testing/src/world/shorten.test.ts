import { makePlan } from "./plan.ts";
import { describe, expect, it } from "vitest";
import { cutPlan, shorten } from "./shorten.ts";

const PLAN = makePlan(3, { members: 4, messages: 100 });

describe("shortening", () => {
	it("keeps only what it takes to fail", async () => {
		const culprit = PLAN.faults[1];
		const cuts = await shorten(
			PLAN,
			async (plan) => plan.faults.some((fault) => fault === culprit) && plan.members[2]?.startMs !== undefined,
		);
		const { faults, members, messages } = cutPlan(PLAN, cuts);
		expect(faults).toEqual([culprit]);
		expect(members.filter(({ startMs }) => startMs !== undefined)).toEqual([PLAN.members[2]]);
		expect(messages).toBe(1);
	});

	it("changes nothing that is needed", async () => {
		const cuts = await shorten(PLAN, async (plan) => plan.faults.length === PLAN.faults.length && plan.messages === PLAN.messages);
		expect(cutPlan(PLAN, cuts).faults).toEqual(PLAN.faults);
	});

	it("drops the faults of members that do not take part", () => {
		const { faults } = cutPlan(PLAN, { members: [0] });
		expect(faults.every((fault) => !("member" in fault) || fault.member === 0)).toBe(true);
	});
});

import { describe, expect, it } from "vitest";
import { SimulatedGroup, type SimulatedPartition } from "../../test/estimate/simulated-group.ts";
import { whatIf } from "./what-if.ts";

const draining: SimulatedPartition = { backlog: 10_000, arrival: 100, processing: 300, owner: "a" };
const estimate = (...partitions: readonly SimulatedPartition[]) => new SimulatedGroup(partitions).estimateAt(12_000);
const four = [draining, draining, { ...draining, owner: "b" }, { ...draining, owner: "b" }];

describe("another number of members", () => {
	it("is at best as much faster as there are members with something to do", () => {
		const now = estimate(...four);
		const { drainMs, state, members, idleMembers } = whatIf(now, { members: 4 });
		expect({ state, members, idleMembers }).toEqual({ state: "draining", members: 4, idleMembers: 0 });
		// 300 − 100 per second at worst, if the partitions set the pace; 600 − 100 at best, if the members do.
		expect(drainMs?.likely).toBeLessThan(now.drainMs?.likely ?? 0);
		expect((now.partitions[0]?.drainMs?.likely ?? 0) / (drainMs?.least ?? 0)).toBeGreaterThanOrEqual(2.5);
		expect(drainMs?.most).toBe(now.partitions[0]?.drainMs?.most);
	});

	it("helps no further than there are partitions", () => {
		const now = estimate(...four);
		expect(whatIf(now, { members: 9 })).toEqual({ ...whatIf(now, { members: 4 }), members: 9, idleMembers: 5 });
	});

	it("may be too few, and then it says that it may never end", () => {
		const now = estimate(...four.map((partition) => ({ ...partition, arrival: 200 })));
		const { state, drainMs } = whatIf(now, { members: 1 });
		expect(state).toBe("draining");
		expect(drainMs?.most).toBeUndefined();
	});

	it("may be enough for a group that grows now", () => {
		const growing = four.map((partition) => ({ ...partition, arrival: 400 }));
		expect(whatIf(estimate(...growing), { members: 2 }).state).toBe("growing");
		expect(whatIf(estimate(...growing), { members: 4 })).toMatchObject({ state: "draining", drainMs: { most: undefined } });
	});

	it("leaves a group that has caught up where it is, but fewer members might not keep up", () => {
		const now = estimate(...four.map((partition) => ({ ...partition, backlog: 0, processing: 5_000 })));
		expect(now.state).toBe("caught-up");
		expect(whatIf(now, { members: 4 })).toMatchObject({ state: "caught-up", drainMs: { likely: 0, most: 0 } });
		expect(whatIf(now, { members: 1 })).toMatchObject({ state: "draining", drainMs: { least: 0, most: undefined } });
	});
});

describe("another number of partitions", () => {
	it("takes its share of what arrives, and leaves the backlog where it is", () => {
		const now = estimate(draining, { ...draining, owner: "b" });
		const { drainMs } = whatIf(now, { partitions: 4, members: 4 });
		// 7600 / (300 − 50)
		expect(drainMs?.likely).toBeCloseTo(30_400, -3);
	});

	it("slows the old ones down if members set the pace", () => {
		const now = estimate(draining, { ...draining, owner: "b" });
		expect(whatIf(now, { partitions: 4 }).drainMs?.most).toBeGreaterThan(now.drainMs?.most ?? 0);
	});
});

describe("what cannot be", () => {
	it.each([{ members: 0 }, { members: 1.5 }, { partitions: 1 }, { members: Number.NaN }])("is refused: %o", (change) => {
		expect(() => whatIf(estimate(draining, draining), change)).toThrow(RangeError);
	});

	it.each([
		["stalled", { ...draining, processing: 0 }],
		["nobody's", { ...draining, owner: undefined }],
	])("is not guessed for a partition that is %s", (_, partition) => {
		expect(whatIf(estimate(draining, partition), { members: 2 })).toMatchObject({ state: "unknown", drainMs: undefined });
	});
});

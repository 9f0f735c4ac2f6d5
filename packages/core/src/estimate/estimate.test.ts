import { describe, expect, it } from "vitest";
import type { BacklogState } from "../index.ts";
import { SimulatedGroup, type SimulatedPartition } from "../../test/estimate/simulated-group.ts";

const draining: SimulatedPartition = { backlog: 10_000, arrival: 100, processing: 300 };
const estimate = (partitions: readonly SimulatedPartition[], atMs = 12_000) => new SimulatedGroup(partitions).estimateAt(atMs);
const stateOf = (partition: Partial<SimulatedPartition>, atMs?: number): BacklogState | undefined =>
	estimate([{ ...draining, ...partition }], atMs).partitions[0]?.state;

describe("the state of a backlog", () => {
	it.each<[BacklogState, string, Partial<SimulatedPartition>]>([
		["draining", "more is processed than arrives", {}],
		["draining", "nothing arrives any more", { arrivesUntilMs: 8_000 }],
		["growing", "more arrives than is processed", { arrival: 500 }],
		["growing", "as much arrives as is processed, and a backlog stays", { arrival: 300, processing: 300 }],
		["caught-up", "nothing is there", { backlog: 0, arrival: 0 }],
		["caught-up", "what arrives is processed, commits come a moment later", { backlog: 0, arrival: 100, processing: 5_000 }],
		["stalled", "its owner has stopped", { pauseMs: [6_000, 99_000] }],
		["stalled", "its owner has never moved", { processing: 0 }],
		["idle", "nobody owns it", { owner: undefined, processing: 0 }],
	])("is %s when %s", (state, _, partition) => {
		expect(stateOf(partition)).toBe(state);
	});

	it("is not stalled between two commits, nor in the moment after it came to a stop", () => {
		expect(stateOf({ pauseMs: [11_000, 99_000] })).toBe("draining");
	});

	it("is caught up, not stalled, when a message comes after a long silence", () => {
		// At 11.5 s the first message in ten seconds is there, and not yet committed.
		const quiet = new SimulatedGroup([{ backlog: 0, arrival: 0.09, processing: 1_000 }]);
		expect(quiet.estimateAt(11_500).partitions[0]).toMatchObject({ backlog: 1n, state: "unknown" });
		expect(quiet.estimateAt(12_500).partitions[0]).toMatchObject({ backlog: 0n, state: "caught-up" });
	});

	it("is unknown until the group was watched for long enough", () => {
		const early = estimate([draining], 2_500);
		expect(early).toMatchObject({ state: "unknown", backlog: expect.any(BigInt), watchedMs: 2_500 });
		expect([early.arrival, early.processing, early.drainMs]).toEqual([undefined, undefined, undefined]);
	});
});

describe("the numbers", () => {
	it("are backlog / (processing − arrival), with what they were taken from", () => {
		const { partitions } = estimate([draining], 12_000);
		expect(partitions[0]?.processing?.likely).toBeCloseTo(300, 0);
		expect(partitions[0]?.arrival?.likely).toBeCloseTo(100, 0);
		// Processed until the last commit at 12 s: 3600 of 11200.
		expect(partitions[0]).toMatchObject({ backlog: 7_600n, backlogBytes: 760_000 });
		expect(partitions[0]?.drainMs?.likely).toBeCloseTo(38_000, -2);
	});

	it("are never 0, and never a number, where they are not known", () => {
		for (const partition of [
			{ ...draining, arrival: 900 },
			{ ...draining, processing: 0 },
			{ ...draining, owner: undefined },
		])
			expect(estimate([draining, partition]).drainMs).toBeUndefined();
	});

	it("count messages, not offsets, where offsets have gaps", () => {
		const { partitions } = estimate([{ ...draining, offsetsPerMessage: 1_000 }]);
		expect(partitions[0]?.processing?.likely).toBeCloseTo(300, 0);
		expect(partitions[0]?.drainMs?.likely).toBeCloseTo(38_000, -2);
	});

	it("do not count a standstill, such as that until a dead owner is noticed, into the pace after it", () => {
		const { partitions } = estimate([{ ...draining, pauseMs: [4_000, 8_000] }], 12_000);
		expect(partitions[0]?.processing?.likely).toBeCloseTo(300, -1);
	});

	it("start over when the group was reset or the topic made again", () => {
		const before = new SimulatedGroup([{ ...draining, backlog: 90_000 }]).estimateAt(12_000);
		expect(before.partitions[0]?.state).toBe("draining");
		const group = new SimulatedGroup([draining]);
		expect(group.estimateAt(1_000).partitions[0]?.state).toBe("unknown");
	});
});

describe("the group", () => {
	const slow: SimulatedPartition = { ...draining, processing: 150 };

	it("is as slow as its slowest partition", () => {
		const { state, slowest, drainMs, partitions } = estimate([draining, slow, draining]);
		expect(state).toBe("draining");
		expect(slowest).toEqual({ topic: "simulated", index: 1 });
		expect(drainMs?.likely).toBe(partitions[1]?.drainMs?.likely);
	});

	it("may be faster if its partitions share their member's speed, and says so in the range", () => {
		const shared = estimate([draining, slow]);
		const apart = estimate([
			{ ...draining, owner: "a" },
			{ ...slow, owner: "b" },
		]);
		expect(shared.drainMs?.least).toBeLessThan((apart.drainMs?.least ?? 0) * 0.7);
		expect(apart.drainMs?.least).toBe(apart.partitions[1]?.drainMs?.least);
	});

	it.each<[BacklogState, SimulatedPartition]>([
		["stalled", { ...draining, processing: 0 }],
		["growing", { ...draining, arrival: 500 }],
		["idle", { ...draining, owner: undefined }],
	])("is %s as soon as one partition is", (state, partition) => {
		expect(estimate([draining, partition, { ...draining, backlog: 0, arrival: 0 }])).toMatchObject({
			state,
			slowest: { index: 1 },
			drainMs: undefined,
		});
	});

	it("is caught up, in no time, when all partitions are", () => {
		const idle = { backlog: 0, arrival: 0, processing: 100 };
		expect(estimate([idle, idle])).toMatchObject({
			state: "caught-up",
			slowest: undefined,
			backlog: 0n,
			backlogBytes: 0,
			drainMs: { likely: 0, least: 0, most: 0 },
		});
	});

	it("is unknown without partitions", () => {
		expect(estimate([])).toMatchObject({ state: "unknown", backlog: undefined, drainMs: undefined, arrival: undefined });
	});
});

// What the estimate promised, compared with what came of it, over many simulated groups.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Estimate } from "../index.ts";
import { SimulatedGroup } from "../../test/estimate/simulated-group.ts";

const AT_MS = 12_000;
const RUNS = 200;

const partition = fc
	.record({
		// Nearer to the end, a group that gets four fifths of its speed is less than 2.5 s behind, and counts as caught up.
		leftMs: fc.integer({ min: 12_000, max: 120_000 }),
		processing: fc.integer({ min: 100, max: 20_000 }),
		arrivalShare: fc.double({ min: 0, max: 0.8, noNaN: true }),
		phaseMs: fc.integer({ min: 0, max: 999 }),
	})
	.map(({ leftMs, processing, arrivalShare, phaseMs }) => {
		const arrival = processing * arrivalShare;
		return { backlog: Math.ceil(((processing - arrival) * (AT_MS + leftMs)) / 1000), arrival, processing, phaseMs, owner: `${phaseMs}` };
	});

/** What was processed and not yet committed counts as backlog: up to one interval. */
function holds({ state, drainMs, partitions }: Estimate, tookMs: number, commitMs: number): boolean {
	if (state === "draining") return tookMs >= (drainMs?.least ?? Number.NaN) - commitMs && tookMs <= (drainMs?.most ?? tookMs);
	// All of them drain. To say otherwise is wrong, but not beyond what the ranges admit.
	const wrong = partitions.filter((partition) => partition.state === "growing");
	return state === "growing" && wrong.every(({ processing, arrival }) => (processing?.most ?? 0) > (arrival?.least ?? 0));
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

it.each([
	{ looks: "ten seconds of looks", windowMs: 10_000, most: 0.1 },
	{ looks: "the three seconds of a first call", windowMs: 3_000, most: 0.35 },
])("the range holds what really happens, after $looks", ({ windowMs, most }) => {
	const errors: number[] = [];
	fc.assert(
		fc.property(fc.array(partition, { minLength: 1, maxLength: 6 }), fc.integer({ min: 200, max: 1_200 }), (partitions, commitMs) => {
			const group = new SimulatedGroup(partitions, { commitMs });
			const estimate = group.estimateAt(AT_MS, { windowMs, everyMs: windowMs === 3_000 ? 500 : 1_000 });
			const tookMs = group.drainMsFrom(AT_MS) ?? Number.NaN;
			if (estimate.state === "draining") errors.push(Math.abs((estimate.drainMs?.likely ?? Number.NaN) - tookMs) / tookMs);
			expect({ estimate, tookMs, holds: holds(estimate, tookMs, commitMs) }).toMatchObject({ holds: true });
		}),
		{ numRuns: RUNS },
	);
	console.log(
		`estimate in ${errors.length} simulated runs, ${windowMs / 1000} s of samples: median error ${(median(errors) * 100).toFixed(1)} %`,
	);
	expect(errors.length).toBeGreaterThan(RUNS * 0.9);
	expect(median(errors)).toBeLessThan(most);
});

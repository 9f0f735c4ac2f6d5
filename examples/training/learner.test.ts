import { describe, expect, it } from "vitest";
import type { Flight } from "../analysis/flights.ts";
import { accuracy, batchFit } from "./batch-fit.ts";
import { comparisonOf } from "./comparison.ts";
import { drifts, NO_DRIFT } from "./drift.ts";
import { featuresOf } from "./features.ts";
import { mondayOf, scoresTogether, train, UNTRAINED } from "./learner.ts";
import { learn, merge, predict } from "./model.ts";

const RATE = 0.02;
/** Late in the evening, in time in the morning, mostly. */
const flights: Flight[] = Array.from({ length: 2_000 }, (_, row) => {
	const evening = row % 2 === 0;
	return {
		row,
		origin: "SEA",
		destination: "ORD",
		date: `2001-01-${String(1 + Math.floor(row / 100)).padStart(2, "0")} ${evening ? "18" : "06"}:00`,
		delay: evening === row % 10 > 1 ? 20 : -5,
		distance: 500,
	};
});

describe("a learner", () => {
	it("is the same to the last bit wherever it was stopped, and learns no row twice", () => {
		const atOnce = train(UNTRAINED, flights, RATE);
		for (const cut of [1, 777, 1_999]) {
			// As it comes back from a checkpoint.
			const resumed = JSON.parse(JSON.stringify(train(UNTRAINED, flights.slice(0, cut), RATE))) as typeof atOnce;
			expect(train(resumed, flights.slice(Math.max(0, cut - 50)), RATE)).toEqual(atOnce);
		}
	});

	it("is scored before it learns: the first prediction knows nothing", () => {
		const { scores } = train(UNTRAINED, flights.slice(0, 1), RATE);
		expect(Object.values(scores)).toEqual([{ samples: 1, late: 0, right: 0, majority: 1 }]);
	});

	it("gets better than the majority where there is something to learn", () => {
		const { model, majority, samples } = comparisonOf([train(UNTRAINED, flights, RATE)], mondayOf);
		expect(samples).toBe(2_000);
		expect(model).toBeGreaterThan(majority + 15);
	});

	it("counts by weeks that begin on Monday", () => {
		expect(["2001-01-01", "2001-01-07", "2001-01-08"].map(mondayOf)).toEqual(["2001-01-01", "2001-01-01", "2001-01-08"]);
		const [one, two] = [train(UNTRAINED, flights.slice(0, 700), RATE), train(UNTRAINED, flights.slice(700), RATE)];
		const weeks = scoresTogether([two, one]);
		expect(Object.keys(weeks)).toEqual(["2001-01-01", "2001-01-08", "2001-01-15"]);
		expect(Object.values(weeks).reduce((sum, { samples }) => sum + samples, 0)).toBe(2_000);
	});
});

describe("the batch fit", () => {
	it("finds the weights that made the data", () => {
		const weights = [-0.5, 2];
		let seed = 1;
		const chance = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
		const samples = Array.from({ length: 20_000 }, () => {
			const features = [1, chance() * 4 - 2];
			return { features, late: chance() < predict(weights, features) };
		});
		const fitted = batchFit(samples);
		expect(fitted[0]).toBeCloseTo(-0.5, 0);
		expect(fitted[1]).toBeCloseTo(2, 0);
		expect(accuracy(samples, fitted)).toBeGreaterThan(0.75);
	});
});

describe("models", () => {
	it("move towards what happened", () => {
		const features = featuresOf({ ...flights[0]!, distance: 800 }, {});
		const before = features.map(() => 0);
		expect(predict(before, features)).toBe(0.5);
		expect(predict(learn(before, features, true, 0.1), features)).toBeGreaterThan(0.5);
		expect(predict(learn(before, features, false, 0.1), features)).toBeLessThan(0.5);
	});

	it("are merged by the samples that each has seen", () => {
		expect(
			merge([
				{ average: [1, 0], samples: 300 },
				{ average: [5, 4], samples: 100 },
			]),
		).toEqual([2, 1]);
		expect(merge([])).toEqual([]);
	});
});

describe("drift", () => {
	const seenIn = (values: readonly number[]) => {
		let state = NO_DRIFT;
		return values.flatMap((value, index) => {
			const { drift, seen } = drifts(state, value);
			state = drift;
			return seen ? [index] : [];
		});
	};
	const share = (late: number, of: number, count: number) => Array.from({ length: count }, (_, index) => (index % of < late ? 1 : 0));

	it("is not seen where nothing changes", () => expect(seenIn(share(2, 5, 4_000))).toEqual([]));

	it("is seen once, soon after the share rose", () => {
		const [at, ...more] = seenIn([...share(2, 5, 2_000), ...share(4, 5, 2_000)]);
		expect(at).toBeGreaterThan(2_000);
		expect(at).toBeLessThan(2_300);
		expect(more).toEqual([]);
	});
});

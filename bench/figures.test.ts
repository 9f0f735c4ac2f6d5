import { expect, it } from "vitest";
import { figure, type Metric, percentile, spread } from "./figures.ts";

const rate: Metric = { name: "produce", unit: "msgs/s", floor: 0.7 };

it("takes the middle value, or the mean of the two in the middle", () => {
	expect(spread([5, 1, 9])).toEqual({ median: 5, least: 1, most: 9 });
	expect(spread([4, 1, 10, 2])).toEqual({ median: 3, least: 1, most: 10 });
	expect(spread([])).toEqual({ median: NaN, least: NaN, most: NaN });
});

it("finds percentiles by rank", () => {
	const values = Array.from({ length: 200 }, (_, i) => 200 - i);
	expect(percentile(values, 0.5)).toBe(100);
	expect(percentile(values, 0.99)).toBe(198);
	expect(percentile([7], 0.99)).toBe(7);
});

it("takes the median of the pairs' ratios, not the ratio of the medians", () => {
	// A machine that was three times slower during the second pair slowed both.
	const { ratio, polylog } = figure(rate, [
		{ polylog: 90, raw: 100 },
		{ polylog: 24, raw: 30 },
		{ polylog: 70, raw: 100 },
	]);
	expect(ratio).toEqual({ median: 0.8, least: 0.7, most: 0.9 });
	expect(polylog.median).toBe(70);
});

it("counts a shorter time as faster", () => {
	expect(figure({ name: "latency", unit: "ms", floor: undefined }, [{ polylog: 2, raw: 1 }]).ratio.median).toBe(0.5);
});

it("judges by the floor, where there is one", () => {
	expect(figure(rate, [{ polylog: 70, raw: 100 }]).passed).toBe(true);
	expect(figure(rate, [{ polylog: 69, raw: 100 }]).passed).toBe(false);
	expect(figure({ ...rate, floor: undefined }, [{ polylog: 1, raw: 100 }]).passed).toBeUndefined();
});

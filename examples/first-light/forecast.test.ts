import { describe, expect, it } from "vitest";
import { forecastError, processingTime, Rate, remainingRecords } from "./forecast.ts";

describe("a rate", () => {
	const sampled = (...samples: [atMs: number, count: number][]) => {
		const rate = new Rate();
		for (const [atMs, count] of samples) rate.sample(atMs, count);
		return rate.perSecond;
	};

	it("is unknown until it was watched for a moment", () => {
		expect(sampled()).toBeUndefined();
		expect(sampled([0, 0])).toBeUndefined();
		expect(sampled([0, 0], [100, 50])).toBeUndefined();
		expect(sampled([0, 0], [400, 200])).toBe(500);
	});

	it("follows a change within its window of two seconds", () => {
		const slowThenFast = Array.from({ length: 61 }, (_, tick): [number, number] => [
			tick * 100,
			tick <= 30 ? tick * 10 : 300 + (tick - 30) * 100,
		]);
		expect(sampled(...slowThenFast)).toBe(1000);
	});

	it("is unknown, not small, for what stands still", () => {
		expect(sampled([0, 0], [400, 400], [800, 400], [1000, 400])).toBeUndefined();
	});

	it("starts anew after a standstill", () => {
		const still: [number, number][] = [
			[0, 0],
			[1000, 1000],
			[1200, 1000],
			[1600, 1000],
			[3000, 1000],
		];
		expect(sampled(...still, [3100, 1050])).toBeUndefined();
		expect(sampled(...still, [3100, 1050], [3400, 1200])).toBe(500);
	});
});

describe("the processing time", () => {
	it("is data size / processing rate of the slowest partition", () => {
		expect(
			processingTime([
				{ remaining: 100, perSecond: 50 },
				{ remaining: 300, perSecond: 50 },
			]),
		).toBe(6);
	});

	it("does not ask for the rate of a partition that has nothing left", () => {
		expect(
			processingTime([
				{ remaining: 0, perSecond: undefined },
				{ remaining: 10, perSecond: 5 },
			]),
		).toBe(2);
		expect(processingTime([])).toBe(0);
	});

	it("is unknown as soon as one partition has data and no rate", () => {
		expect(
			processingTime([
				{ remaining: 1, perSecond: undefined },
				{ remaining: 10, perSecond: 5 },
			]),
		).toBeUndefined();
		expect(processingTime([{ remaining: 1, perSecond: 0 }])).toBeUndefined();
	});
});

describe("what remains", () => {
	it("spreads what is not sent yet as the rest was", () => {
		expect(
			remainingRecords(100, [
				{ sent: 30, processed: 10 },
				{ sent: 10, processed: 10 },
			]),
		).toEqual([65, 15]);
	});

	it("is spread evenly before anything was sent", () => {
		expect(
			remainingRecords(100, [
				{ sent: 0, processed: 0 },
				{ sent: 0, processed: 0 },
			]),
		).toEqual([50, 50]);
	});

	it("is never negative, though a record may be processed before its receipt is in", () => {
		expect(
			remainingRecords(10, [
				{ sent: 9, processed: 10 },
				{ sent: 1, processed: 0 },
			]),
		).toEqual([0, 1]);
	});
});

describe("the error of a forecast", () => {
	it("is a share of what it really took, negative if the forecast was too short", () => {
		expect(forecastError({ share: 0.5, atMs: 1000, seconds: 5 }, 11_000)).toBe(-50);
		expect(forecastError({ share: 0.5, atMs: 1000, seconds: 15 }, 11_000)).toBe(50);
	});

	it("is unknown at the end", () => {
		expect(forecastError({ share: 1, atMs: 1000, seconds: 0 }, 1000)).toBeUndefined();
	});
});

// Pure: the rates of all partitions, and the forecasts made from them.
import { type Forecast, processingTime, Rate, remainingRecords } from "./forecast.ts";
import type { Tally } from "./tally.ts";

/** The points of the run at which, or as soon after as it can be known, a forecast is kept to be compared with what it really took. */
export const MARKS = [0.1, 0.5, 0.9];

export class Meter {
	readonly forecasts: Forecast[] = [];
	readonly #total: number;
	readonly #all = new Rate();
	readonly #partitions: readonly Rate[];

	constructor(total: number, partitions: number) {
		this.#total = total;
		this.#partitions = Array.from({ length: partitions }, () => new Rate());
	}

	get perSecond(): number | undefined {
		return this.#all.perSecond;
	}

	/** Returns the seconds that are left; `undefined`: unknown. */
	sample(atMs: number, sent: Tally, processed: Tally): number | undefined {
		// The start of the members is no part of the rate.
		if (processed.records === 0) return undefined;
		this.#all.sample(atMs, processed.records);
		for (const [index, rate] of this.#partitions.entries()) rate.sample(atMs, processed.of(index).records);
		const counts = this.#partitions.map((_, index) => ({ sent: sent.of(index).records, processed: processed.of(index).records }));
		const remaining = remainingRecords(this.#total, counts);
		const seconds = processingTime(this.#partitions.map(({ perSecond }, index) => ({ remaining: remaining[index] ?? 0, perSecond })));
		const mark = MARKS[this.forecasts.length];
		if (mark !== undefined && seconds !== undefined && processed.records >= mark * this.#total)
			this.forecasts.push({ share: mark, atMs, seconds });
		return seconds;
	}
}

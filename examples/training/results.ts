// Pure: how good the models are, beside what they are measured with.
import type { Flight } from "../analysis/flights.ts";
import { accuracy, batchFit } from "./batch-fit.ts";
import { type Comparison, comparisonOf } from "./comparison.ts";
import { samplesOf } from "./in-one-pass.ts";
import { type Learner, mondayOf } from "./learner.ts";
import { merge } from "./model.ts";

export interface Results {
	readonly first: Comparison;
	readonly second: Comparison;
	/** The first models of all partitions as one, over all flights again, in percent. */
	readonly merged: number;
	/** A fit that has seen all flights beforehand. */
	readonly batch: number;
}

/** A drift that so many partitions saw in one week is one of the whole. */
export const SEEN_BY = 3;

export function resultsOf(first: readonly Learner[], second: readonly Learner[], flights: readonly Flight[]): Results {
	const samples = samplesOf(flights);
	const percent = (share: number) => Math.round(10_000 * share) / 100;
	return {
		first: comparisonOf(first, mondayOf),
		second: comparisonOf(second, mondayOf),
		merged: percent(accuracy(samples, merge(first))),
		batch: percent(accuracy(samples, batchFit(samples))),
	};
}

export function resultLines({ first, second, merged, batch }: Results): string[] {
	const line = (percent: number, name: string) => `${percent.toFixed(2).padStart(7)} %  ${name}`;
	const drifts = first.drifts.filter(({ partitions }) => partitions >= SEEN_BY);
	return [
		"",
		line(first.model, "first model, each flight predicted before it was learnt"),
		line(second.model, "second model, from March on"),
		line(merged, "the partitions' first models merged into one, over all flights again"),
		line(batch, "batch fit, which has seen all flights beforehand"),
		line(first.majority, "whoever always says what was more frequent"),
		`drift: ${drifts.map(({ week, partitions }) => `week of ${week} (${partitions} partitions)`).join(", ") || "none"}`,
	];
}

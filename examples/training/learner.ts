// Pure: predict, compare, learn: in this order, so that every prediction is about a flight the model has not seen.
import type { Flight } from "../analysis/flights.ts";
import { type Drift, drifts, NO_DRIFT } from "./drift.ts";
import { FEATURES, featuresOf, isLate, type Lateness, latenessAfter, latenessAt } from "./features.ts";
import { learn, movedTowards, predict, type Weights } from "./model.ts";

/** Steps that the average reaches back. */
const AVERAGED = 5_000;

/** Of one week. */
export interface Score {
	readonly samples: number;
	/** Late ones among them. */
	readonly late: number;
	/** Predictions of the model that were right. */
	readonly right: number;
	/** The same for whoever always says what was more frequent until then. */
	readonly majority: number;
}

/** All that a partition's training consists of: what is checkpointed. */
export interface Learner {
	/** The last row that was learnt; -1: none. */
	readonly row: number;
	readonly samples: number;
	readonly late: number;
	readonly weights: Weights;
	/** Of the last weights: what is merged, since single steps are noise. */
	readonly average: Weights;
	readonly lateness: Lateness;
	readonly drift: Drift;
	/** Dates at which the share of late flights had risen. */
	readonly drifts: readonly string[];
	/** By the Monday of the week. */
	readonly scores: Readonly<Record<string, Score>>;
}

export const UNTRAINED: Learner = {
	row: -1,
	samples: 0,
	late: 0,
	weights: FEATURES.map(() => 0),
	average: FEATURES.map(() => 0),
	lateness: {},
	drift: NO_DRIFT,
	drifts: [],
	scores: {},
};

/** Rows that were learnt already are left out: a source that was stopped sends its last ones again. */
export function train(before: Learner, flights: readonly Flight[], rate: number): Learner {
	let { row, samples, late: lateOnes, weights, average, drift } = before;
	const [lateness, scores, dates] = [{ ...before.lateness }, { ...before.scores }, [...before.drifts]];
	for (const flight of flights) {
		if (flight.row <= row) continue;
		const late = isLate(flight);
		const features = featuresOf(flight, lateness);
		const week = mondayOf(flight.date);
		scores[week] = scored(scores[week], late, predict(weights, features) >= 0.5 === late, 2 * lateOnes > samples === late);
		weights = learn(weights, features, late, rate);
		lateness[flight.origin] = latenessAfter(latenessAt(lateness, flight.origin), late);
		const tested = drifts(drift, late ? 1 : 0);
		drift = tested.drift;
		if (tested.seen) dates.push(flight.date.slice(0, 10));
		average = movedTowards(average, weights, 1 / Math.min(samples + 1, AVERAGED));
		row = flight.row;
		samples += 1;
		lateOnes += Number(late);
	}
	return { row, samples, late: lateOnes, weights, average, lateness, drift, drifts: dates, scores };
}

function scored(before: Score | undefined, late: boolean, right: boolean, majority: boolean): Score {
	return {
		samples: (before?.samples ?? 0) + 1,
		late: (before?.late ?? 0) + Number(late),
		right: (before?.right ?? 0) + Number(right),
		majority: (before?.majority ?? 0) + Number(majority),
	};
}

export function mondayOf(date: string): string {
	const day = new Date(`${date.slice(0, 10)}T00:00:00Z`);
	day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
	return day.toISOString().slice(0, 10);
}

/** Of all partitions. */
export function scoresTogether(learners: readonly Learner[]): Record<string, Score> {
	const weeks: Record<string, Score> = {};
	for (const { scores } of learners) {
		for (const [week, score] of Object.entries(scores)) {
			const sum = weeks[week] ?? { samples: 0, late: 0, right: 0, majority: 0 };
			weeks[week] = {
				samples: sum.samples + score.samples,
				late: sum.late + score.late,
				right: sum.right + score.right,
				majority: sum.majority + score.majority,
			};
		}
	}
	return Object.fromEntries(Object.entries(weeks).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

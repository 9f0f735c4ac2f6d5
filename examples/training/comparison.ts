// Pure: how good the models are, in numbers that can be compared.
import type { Learner } from "./learner.ts";
import { scoresTogether } from "./learner.ts";

export interface Week {
	readonly week: string;
	/** In percent. */
	readonly model: number;
	readonly majority: number;
	/** Of the flights, in percent: what drifts. */
	readonly late: number;
}

export interface Comparison {
	readonly samples: number;
	/** In percent, each prediction made before the flight was learnt. */
	readonly model: number;
	readonly majority: number;
	readonly weeks: readonly Week[];
	/** Weeks in which the test for drift rose in some partitions, with their number. */
	readonly drifts: readonly { readonly week: string; readonly partitions: number }[];
}

const percent = (part: number, whole: number) => Math.round((10_000 * part) / Math.max(1, whole)) / 100;

export function comparisonOf(learners: readonly Learner[], weekOf: (date: string) => string): Comparison {
	const scores = Object.entries(scoresTogether(learners));
	const sum = (of: "samples" | "right" | "majority") => scores.reduce((total, [, score]) => total + score[of], 0);
	const weeks = learners.map(({ drifts }) => [...new Set(drifts.map(weekOf))]);
	return {
		samples: sum("samples"),
		model: percent(sum("right"), sum("samples")),
		majority: percent(sum("majority"), sum("samples")),
		weeks: scores.map(([week, { samples, right, majority, late }]) => ({
			week,
			model: percent(right, samples),
			majority: percent(majority, samples),
			late: percent(late, samples),
		})),
		drifts: [...Map.groupBy(weeks.flat(), (week) => week)]
			.map(([week, all]) => ({ week, partitions: all.length }))
			.toSorted((a, b) => (a.week < b.week ? -1 : 1)),
	};
}

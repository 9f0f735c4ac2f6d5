// The learning curve, and what drifted under it.
import type { TopLevelSpec } from "vega-lite";
import type { Figure } from "../charts/page.ts";
import { svgOf } from "../charts/svg.ts";
import type { Comparison } from "./comparison.ts";

const SIZE = { width: 900, height: 220 };
const week = { field: "week", type: "temporal", title: null, axis: { format: "%d %b" } } as const;
/** A drift that this many partitions saw in one week is one of the whole. */
const SEEN_BY = 3;

export async function trainingFigures(first: Comparison, second: Comparison, batch: number): Promise<Figure[]> {
	const curves = [
		...first.weeks.map(({ week: at, model }) => ({ week: at, accuracy: model, who: "first model" })),
		...second.weeks.map(({ week: at, model }) => ({ week: at, accuracy: model, who: "second model, replayed from March" })),
		...first.weeks.map(({ week: at, majority }) => ({ week: at, accuracy: majority, who: "majority" })),
	];
	const drifts = first.drifts
		.filter(({ partitions }) => partitions >= SEEN_BY)
		.map((drift) => ({ ...drift, text: `${drift.partitions} of 8` }));
	const marks = {
		data: { values: drifts },
		layer: [
			{ mark: { type: "rule", color: "#d62728", strokeDash: [4, 3] }, encoding: { x: week } },
			{ mark: { type: "text", align: "left", dx: 4, y: 8, color: "#d62728" }, encoding: { x: week, text: { field: "text" } } },
		],
	};
	const learning = {
		...SIZE,
		layer: [
			{
				data: { values: curves },
				mark: { type: "line", point: true },
				encoding: {
					x: week,
					y: { field: "accuracy", type: "quantitative", title: "right, %", scale: { zero: false } },
					color: {
						field: "who",
						type: "nominal",
						title: null,
						legend: { orient: "bottom", labelLimit: 300 },
						scale: { range: ["#4c78a8", "#bbb", "#f58518"] },
					},
				},
			},
			{
				data: { values: [{ batch, text: `batch fit on all of it: ${batch} %` }] },
				layer: [
					{ mark: { type: "rule", color: "#54a24b" }, encoding: { y: { field: "batch", type: "quantitative" } } },
					{
						mark: { type: "text", align: "right", x: SIZE.width - 4, dy: -8, color: "#54a24b" },
						encoding: { y: { field: "batch", type: "quantitative" }, text: { field: "text" } },
					},
				],
			},
		],
	} as TopLevelSpec;
	const drift = {
		...SIZE,
		layer: [
			{
				data: { values: first.weeks.map((values) => ({ ...values })) },
				mark: { type: "line", point: true, color: "#9467bd" },
				encoding: { x: week, y: { field: "late", type: "quantitative", title: "late, %", scale: { zero: false } } },
			},
			marks,
		],
	} as TopLevelSpec;
	return [
		{
			id: "learning",
			title: "Learning curve",
			text: "Share of right predictions by week, each made before the flight was learnt.",
			svg: await svgOf(learning),
		},
		{
			id: "drift",
			title: "Drift",
			text: `Late flights by week. Marked: weeks in which at least ${SEEN_BY} partitions saw their share rise for good.`,
			svg: await svgOf(drift),
		},
	];
}

// What the group did.
import type { TopLevelSpec } from "vega-lite";
import type { Figure } from "../charts/page.ts";
import { svgOf } from "../charts/svg.ts";
import type { Recorder } from "./recorder.ts";

const SIZE = { width: 420, height: 160 };
const seconds = { field: "at", type: "quantitative", title: "seconds" } as const;

export async function workFigures({ moments, events }: Recorder): Promise<Figure[]> {
	const end = moments.at(-1)?.at ?? 0;
	const marks = {
		data: { values: events.map((event) => ({ ...event })) },
		layer: [
			{ mark: { type: "rule", color: "#d62728", strokeDash: [4, 3] }, encoding: { x: seconds } },
			{ mark: { type: "text", align: "left", dx: 4, y: 8, color: "#d62728" }, encoding: { x: seconds, text: { field: "text" } } },
		],
	} as const;
	const rows = moments.map(({ at, perSecond, lag }) => ({ at, perSecond: perSecond ?? null, lag: lag ?? null }));
	const owners = moments.flatMap(({ at, members }) => members.map(({ name, partitions }) => ({ at, name, partitions })));
	const forecasts = moments.flatMap(({ at, predicted }) =>
		predicted ? [{ at, likely: predicted.likely, least: predicted.least, most: predicted.most ?? predicted.likely, actual: end - at }] : [],
	);
	const over = (field: string, title: string, color: string): TopLevelSpec =>
		({
			...SIZE,
			layer: [
				{
					data: { values: rows },
					mark: { type: "area", color, opacity: 0.35, line: { color }, point: { color, size: 10 } },
					encoding: { x: seconds, y: { field, type: "quantitative", title } },
				},
				marks,
			],
		}) as TopLevelSpec;
	const specs: readonly (Omit<Figure, "svg"> & { readonly spec: TopLevelSpec })[] = [
		{
			id: "throughput",
			title: "Throughput",
			text: "Flights per second between two looks at what is committed.",
			spec: over("perSecond", "flights per second", "#4c78a8"),
		},
		{
			id: "lag",
			title: "Lag",
			text: "Flights that wait: all are there at the start.",
			spec: over("lag", "flights", "#f58518"),
		},
		{
			id: "members",
			title: "Partitions per member",
			text: "A member is killed; when its session is over, the others take its partitions.",
			spec: {
				...SIZE,
				layer: [
					{
						data: { values: owners },
						mark: { type: "area", interpolate: "step-after", opacity: 0.8, point: { size: 6 } },
						encoding: {
							x: seconds,
							y: { field: "partitions", type: "quantitative", stack: "zero", title: "partitions" },
							color: { field: "name", type: "nominal", title: "member" },
						},
					},
					marks,
				],
			} as TopLevelSpec,
		},
		{
			id: "forecast",
			title: "Processing time, predicted and actual",
			text: "What group.estimate() said was left, with its range, and what it really took (dashed).",
			spec: {
				...SIZE,
				layer: [
					{
						data: { values: forecasts },
						layer: [
							{
								mark: { type: "area", opacity: 0.2, clip: true },
								encoding: { x: seconds, y: { field: "least", type: "quantitative" }, y2: { field: "most" } },
							},
							{
								mark: { type: "line", point: true, clip: true },
								encoding: {
									x: seconds,
									y: { field: "likely", type: "quantitative", title: "seconds left", scale: { domain: [0, Math.max(1, end * 1.5)] } },
								},
							},
							{
								mark: { type: "line", color: "#333", strokeDash: [6, 4] },
								encoding: { x: seconds, y: { field: "actual", type: "quantitative" } },
							},
						],
					},
					marks,
				],
			} as TopLevelSpec,
		},
	];
	return Promise.all(specs.map(async ({ spec, ...figure }) => ({ ...figure, svg: await svgOf(spec) })));
}

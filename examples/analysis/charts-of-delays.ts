// What the flights say.
import type { TopLevelSpec } from "vega-lite";
import { type Figure } from "../charts/page.ts";
import { svgOf } from "../charts/svg.ts";
import type { Findings, Mean } from "./tables.ts";

const SIZE = { width: 420, height: 200 };
const delay = { field: "delay", type: "quantitative", title: "average delay, minutes" } as const;

export async function delayFigures({ byHour, byDistance, byDay, worstAirports }: Findings): Promise<Figure[]> {
	const specs: readonly (Omit<Figure, "svg"> & { readonly spec: TopLevelSpec })[] = [
		{
			id: "hour",
			title: "Delay by hour of departure",
			text: "Delays add up over the day: fly early. Hours with too few flights to tell are left out.",
			spec: bars(
				byHour.map((mean) => ({ ...mean, cell: Number(mean.cell) })),
				{ field: "cell", type: "ordinal", title: "hour", axis: { labelAngle: 0 } },
			),
		},
		{
			id: "distance",
			title: "Delay by distance",
			text: "Each bar is 250 miles wide.",
			spec: bars(
				byDistance.map((mean) => ({ ...mean, cell: Number(mean.cell) })),
				{ field: "cell", type: "ordinal", title: "miles, from", axis: { labelAngle: 0 } },
			),
		},
		{
			id: "day",
			title: "Delay by day",
			text: "A window of one day each.",
			spec: {
				...SIZE,
				data: { values: byDay.map((mean) => ({ ...mean })) },
				mark: { type: "line", strokeWidth: 1.5, point: { size: 8 } },
				encoding: { x: { field: "cell", type: "temporal", title: "day", axis: { format: "%b", title: null } }, y: delay },
			},
		},
		{
			id: "airports",
			title: "Airports that wait longest",
			text: "Of those with enough flights to tell.",
			spec: {
				...SIZE,
				data: { values: worstAirports.map((mean) => ({ ...mean })) },
				mark: "bar",
				encoding: { y: { field: "cell", type: "nominal", sort: "-x", title: "airport", axis: { title: null } }, x: delay },
			},
		},
	];
	return Promise.all(specs.map(async ({ spec, ...figure }) => ({ ...figure, svg: await svgOf(spec) })));
}

function bars(values: readonly (Omit<Mean, "cell"> & { readonly cell: number })[], x: object): TopLevelSpec {
	return { ...SIZE, data: { values: values.map((mean) => ({ ...mean })) }, mark: "bar", encoding: { x, y: delay } };
}

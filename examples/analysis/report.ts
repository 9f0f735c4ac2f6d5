// The report: one HTML file that needs nothing else.
import { pageOf } from "../charts/page.ts";
import { whole } from "../crew/screen.ts";
import { delayFigures } from "./charts-of-delays.ts";
import { workFigures } from "./charts-of-work.ts";
import { predictionErrors, type Recorder } from "./recorder.ts";
import type { Findings } from "./tables.ts";

export interface ReportFacts {
	readonly backend: string;
	readonly flights: number;
	readonly findings: Findings;
	readonly recorder: Recorder;
}

export async function reportOf({ backend, flights, findings, recorder }: ReportFacts): Promise<string> {
	const errors = predictionErrors(recorder.moments)
		.map(Math.abs)
		.sort((a, b) => a - b);
	const median = errors[Math.floor(errors.length / 2)];
	const took = recorder.moments.at(-1)?.at ?? 0;
	const worst = findings.byHour.reduce((a, b) => (b.delay > a.delay ? b : a));
	return pageOf({
		title: "How late flights are, and how this was found out",
		introduction: `${whole(flights)} flights of the first half of 2001, through one topic of 8 partitions into a consumer group on ${backend}. The sums behind every number were compared with one pass of SQL over the file.`,
		facts: [
			{ name: "flights", value: whole(flights) },
			{ name: "to process them", value: `${took.toFixed(1)} s` },
			{ name: "median error of the predicted time", value: median === undefined ? "unknown" : `${median.toFixed(0)} %` },
			{ name: `worst hour: ${Number(worst.cell)} h`, value: `${worst.delay.toFixed(1)} min` },
		],
		sections: [
			{ title: "What the flights say", columns: 2, figures: await delayFigures(findings) },
			{ title: "What the group did", columns: 2, figures: await workFigures(recorder) },
		],
	});
}

// The report: one HTML file that needs nothing else.
import { pageOf } from "../charts/page.ts";
import { trainingFigures } from "./charts.ts";
import type { Results } from "./results.ts";

export async function reportOf(results: Results, backend: string): Promise<string> {
	const { first, second, batch } = results;
	return pageOf({
		title: "Which flights will be late?",
		introduction: `A logistic regression learnt from the log by a consumer group on ${backend}, one flight at a time: predict, compare, learn. Late means: not in time.`,
		facts: [
			{ name: "first model", value: `${first.model} %` },
			{ name: "second model, from March on", value: `${second.model} %` },
			{ name: "batch fit on the same data", value: `${batch} %` },
			{ name: "majority", value: `${first.majority} %` },
		],
		sections: [{ title: "Over half a year", columns: 1, figures: await trainingFigures(results) }],
	});
}

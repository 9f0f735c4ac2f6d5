// Runs the kit for somebody who looks on: each check as it ends, the table, and for what is broken how to see it again.
import { writeFileSync } from "node:fs";
import type { CheckResult, Report } from "../check.ts";
import type { Harness } from "../harness.ts";
import { reportJson } from "../report/report-json.ts";
import { reportTable } from "../report/report-table.ts";
import { type CheckOptions, runChecks, selectChecks } from "../run-checks.ts";
import { clock } from "../time.ts";

export interface PrintOptions {
	readonly seed?: string;
	/** Ids or themes; empty: all. */
	readonly only?: readonly string[];
	/** Where the JSON report goes. Default: nowhere. */
	readonly report?: string;
	/** What was typed, without `--seed` and `--only`, to be printed with a broken check. It must hold no credential. */
	readonly command: string;
	readonly print: (line: string) => void;
	/** As in `CheckOptions`. */
	readonly exclusively?: CheckOptions["exclusively"];
}

/** Resolves to the report; nothing is broken when `results` says so. */
export async function runAndPrint(harness: Harness, options: PrintOptions): Promise<Report> {
	const { seed, only = [], report: file, command, print, exclusively } = options;
	const selection = only.length > 0 ? { only } : {};
	const checks = selectChecks(selection);
	if (checks.length === 0) throw new RangeError(`no check is called ${only.join(" or ")}`);
	const started = clock.now();
	let ended = 0;
	const onResult = (result: CheckResult) => print(`${`${++ended}`.padStart(3)}/${checks.length} ${progress(result)}`);
	const report = await runChecks(harness, {
		...selection,
		...(seed === undefined ? {} : { seed }),
		...(exclusively ? { exclusively } : {}),
		onResult,
	});
	print("");
	for (const line of reportTable(report, checks)) print(line);
	for (const { id, promise, status, reason, error } of report.results) {
		if (status !== "broken") continue;
		print(`\n${id} is broken (seed ${report.seed}): ${promise}\n  ${reason}`);
		if (error instanceof Error && error.stack) print(error.stack.replace(/^[^]*?(?=\n\s+at )/, "").slice(1));
		print(`  again: ${command} --seed ${report.seed} --only ${id}`);
	}
	if (file !== undefined) writeFileSync(file, reportJson(report));
	print(`\n${checks.length} checks in ${Math.round((clock.now() - started) / 1000)} s${file === undefined ? "" : `, written to ${file}`}`);
	return report;
}

function progress({ id, status, ms, reason }: CheckResult): string {
	const duration = `${(ms / 1000).toFixed(1)} s`.padStart(7);
	return `${duration} ${status.padEnd(11)} ${id}${status === "broken" ? `: ${reason?.split("\n")[0]}` : ""}`;
}

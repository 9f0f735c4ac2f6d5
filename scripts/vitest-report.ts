// Reads what vitest's JSON reporter wrote, and counts it by what the tests ran against.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./packages.ts";

export const REPORTS = join(ROOT, ".cache/reports");
export const reportFile = (name: string) => join(REPORTS, `${name}.json`);

export interface Row {
	readonly suite: string;
	readonly version: string;
	passed: number;
	failed: number;
	skipped: number;
}

interface Report {
	readonly success: boolean;
	readonly testResults: readonly {
		readonly name: string;
		readonly status: string;
		readonly assertionResults: readonly {
			readonly status: string;
			/** Tests on a real broker say here which: `task.meta.backend = "redis-streams"`, `task.meta.version = "Redis 7.0.15"`. */
			readonly meta?: { readonly backend?: string; readonly version?: string };
		}[];
	}[];
}

/** Counts a report; `suite` and `version` are for tests that do not say what they ran against. */
export function countReport(report: Report, suite: string, version: string): Row[] {
	const rows = new Map<string, Row>();
	const rowOf = (backend: string | undefined, tested: string | undefined) => {
		const label = backend === undefined ? suite : `${suite}: ${backend}`;
		const key = `${label} ${tested ?? version}`;
		const row = rows.get(key) ?? { suite: label, version: tested ?? version, passed: 0, failed: 0, skipped: 0 };
		rows.set(key, row);
		return row;
	};
	for (const file of report.testResults) {
		for (const { status, meta } of file.assertionResults) {
			const row = rowOf(meta?.backend, meta?.version);
			if (status === "passed") row.passed++;
			else if (status === "failed") row.failed++;
			else row.skipped++;
		}
		// A file that could not be loaded, or whose hooks failed, has no failed test of its own.
		const isCrash = file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed");
		if (isCrash) rowOf(undefined, undefined).failed++;
	}
	return [...rows.values()];
}

export interface EndedStep {
	readonly suite: string;
	readonly version: string;
	readonly step: string;
	readonly exitCode: number | null;
}

/** Rows of a step that has ended. One that crashed, or in which no test passed or failed, counts as a failure. */
export function suiteRows(name: string, { suite, version, step, exitCode }: EndedStep): Row[] {
	const crashed = (why: string): Row => ({ suite: `${step} (${why})`, version, passed: 0, failed: 1, skipped: 0 });
	let rows: Row[];
	try {
		rows = countReport(JSON.parse(readFileSync(reportFile(name), "utf8")) as Report, suite, version);
	} catch {
		return [crashed("left no report")];
	}
	if (rows.every(({ passed, failed }) => passed + failed === 0)) return [...rows, crashed("ran no test")];
	if (exitCode !== 0 && rows.every(({ failed }) => failed === 0)) return [...rows, crashed(`ended with ${exitCode ?? "a signal"}`)];
	return rows;
}

// Reads what vitest's JSON reporter wrote, and counts it by what the tests ran against.
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "./packages.ts";

export const REPORTS = join(ROOT, ".cache/reports");
export const reportFile = (name: string) => join(REPORTS, `${name}.json`);

export interface Row {
	readonly suite: string;
	readonly version: string;
	/** How the broker was provided; "" for tests without one. */
	readonly how: string;
	passed: number;
	failed: number;
	/** Skipped because the backend does not offer what they test. */
	unsupported: number;
	skipped: number;
	/** Why tests were skipped, and how many for each reason. */
	readonly reasons: Map<string, number>;
	/** Each failed test and the first line of what it said. */
	readonly failures: string[];
}

/** One that stands for a whole step. */
export function stepRow(suite: string, version: string, passed: boolean): Row {
	const counts = { passed: passed ? 1 : 0, failed: passed ? 0 : 1, unsupported: 0, skipped: 0 };
	return { suite, version, how: "", ...counts, reasons: new Map(), failures: passed ? [] : ["the whole step"] };
}

/** What a test on a real broker says of it in `task.meta`: scripts/vitest-meta.d.ts. */
interface Meta {
	readonly backend?: string;
	readonly version?: string;
	readonly how?: string;
	readonly reason?: string;
}

interface Report {
	readonly success: boolean;
	readonly testResults: readonly {
		readonly name: string;
		readonly status: string;
		readonly message?: string;
		readonly assertionResults: readonly Assertion[];
	}[];
}

interface Assertion {
	readonly fullName?: string;
	readonly status: string;
	readonly failureMessages?: readonly string[];
	readonly meta?: Meta;
}

const LINE_LENGTH = 300;
const UNSUPPORTED = /^unsupported: /;

/** Counts a report; `suite` and `version` are for tests that do not say what they ran against. */
export function countReport(report: Report, suite: string, version: string): Row[] {
	const rows = new Map<string, Row>();
	const rowOf = ({ backend, version: tested = version, how = "" }: Meta) => {
		const label = backend === undefined ? suite : `${suite}: ${backend}`;
		const key = [label, tested, how].join("\n");
		const row = rows.get(key) ?? { ...stepRow(label, tested, true), how, passed: 0 };
		rows.set(key, row);
		return row;
	};
	for (const file of report.testResults) {
		for (const assertion of file.assertionResults) count(rowOf(assertion.meta ?? {}), assertion);
		// A file that could not be loaded, or whose hooks failed, has no failed test of its own.
		const isCrash = file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed");
		if (isCrash) count(rowOf({}), { status: "failed", fullName: relative(ROOT, file.name), failureMessages: [file.message ?? ""] });
	}
	return [...rows.values()];
}

function count(row: Row, { status, fullName = "", failureMessages = [], meta: { reason } = {} }: Assertion): void {
	if (status === "passed") row.passed++;
	else if (status === "failed") {
		row.failed++;
		row.failures.push([fullName, ...failureMessages.map((message) => message.trim().split("\n")[0] ?? "")].filter(Boolean).join(": "));
	} else {
		if (reason !== undefined && UNSUPPORTED.test(reason)) row.unsupported++;
		else row.skipped++;
		if (reason !== undefined) row.reasons.set(reason, (row.reasons.get(reason) ?? 0) + 1);
	}
}

export interface EndedStep {
	readonly suite: string;
	readonly version: string;
	readonly step: string;
	readonly exitCode: number | null;
}

/** Rows of a step that has ended. One that crashed, or in which no test passed or failed, counts as a failure. */
export function suiteRows(name: string, { suite, version, step, exitCode }: EndedStep): Row[] {
	const crashed = (why: string): Row => stepRow(`${step} (${why})`, version, false);
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

const COUNTS = ["passed", "failed", "unsupported", "skipped"] as const;

/** The table, and below it why tests did not run. */
export function formatTable(rows: readonly Row[]): string[] {
	const lines: (readonly string[])[] = [["suite", "version", "how", ...COUNTS]];
	for (const row of rows) lines.push([row.suite, row.version, row.how, ...COUNTS.map((name) => String(row[name]))]);
	const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
	const pad = (cell: string, column: number) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0));
	const table = lines.map((line) => line.map(pad).join("  "));
	const reasons = rows.flatMap((row) =>
		[...row.reasons].map(([reason, times]) => `not run: ${times} of ${row.suite}, ${row.version}: ${reason}`),
	);
	return reasons.length === 0 ? table : [...table, "", ...reasons];
}

/** At most `most` of the failed tests, a line each: a log may be cut, but not at its end. */
export function formatFailures(rows: readonly Row[], most = 20): string[] {
	const all = rows.flatMap(({ suite, version, failures }) => failures.map((failure) => `FAILED ${suite}, ${version}: ${failure}`));
	const lines = all.slice(0, most).map((line) => line.slice(0, LINE_LENGTH));
	return all.length > most ? [...lines, `and ${all.length - most} more`] : lines;
}

export function sumCounts(rows: readonly Row[]): string {
	const sum = (name: (typeof COUNTS)[number]) => rows.reduce((total, row) => total + row[name], 0);
	return `${sum("passed")} passed, ${sum("failed")} failed, ${sum("unsupported") + sum("skipped")} skipped`;
}

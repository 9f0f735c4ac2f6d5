// What a run of the suite tells: a line for each case as it ends, and the table at the end.
import type { Outcome } from "./fault-case.ts";

export function formatOutcome({ id, backend, seed, passed, seconds, said, folder, prototype }: Outcome): string {
	const line = `${passed ? "ok    " : "FAILED"} ${backend} ${id} in ${seconds} s: ${said}`;
	if (passed) return line;
	return `${line}\n       histories: ${folder}\n       again: npm run faults -- ${prototype === undefined ? "--broker" : "--cluster"} ${backend} --case ${id} --seed ${seed}`;
}

/** As vitest's JSON reporter has it, so that scripts/vitest-report.ts can count it. */
export function reportJson(outcomes: readonly Outcome[]): string {
	const results = outcomes.map(({ id, backend, version, passed, seconds, said, seed, folder }) => ({
		fullName: `${id} on ${version}`,
		status: passed ? "passed" : "failed",
		duration: seconds * 1000,
		failureMessages: passed ? [] : [said, `seed ${seed}, histories in ${folder}`],
		meta: { backend: backend === "redis" ? "redis-streams" : backend, version, how: "native" },
	}));
	const success = outcomes.length > 0 && outcomes.every(({ passed }) => passed);
	const file = { name: "integration/faults/main.ts", status: success ? "passed" : "failed", assertionResults: results };
	return `${JSON.stringify({ success, testResults: [file] }, undefined, "\t")}\n`;
}

export function formatTable(outcomes: readonly Outcome[]): string[] {
	const lines: (readonly string[])[] = [["case", "broker", "outcome", "s", ""]];
	for (const { id, version, passed, seconds, said } of outcomes)
		lines.push([id, version, passed ? "ok" : "FAILED", String(seconds), said.split("\n")[0]?.slice(0, 110) ?? ""]);
	const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
	const table = lines.map((line) =>
		line
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join("  ")
			.trimEnd(),
	);
	const failed = outcomes.filter(({ passed }) => !passed).length;
	return [...table, "", `${outcomes.length - failed} passed, ${failed} failed`];
}

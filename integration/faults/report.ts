// What a run of the suite tells: a line for each case as it ends, and the table at the end.
import type { Outcome } from "./fault-case.ts";

export function formatOutcome({ id, backend, seed, passed, seconds, said, folder }: Outcome): string {
	const line = `${passed ? "ok    " : "FAILED"} ${backend} ${id} in ${seconds} s: ${said}`;
	if (passed) return line;
	return `${line}\n       histories: ${folder}\n       again: npm run faults -- --broker ${backend} --case ${id} --seed ${seed}`;
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

// The results table of docs/faults.md: rows of this run replace those of the same case and broker.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CASES } from "./cases/index.ts";
import type { Outcome } from "./fault-case.ts";

const FILE = fileURLToPath(new URL("../../docs/faults.md", import.meta.url));
const section = (name: string) => ({ start: `<!-- ${name}: written by npm run faults -- --write -->`, end: `<!-- end of ${name} -->` });
const CASES_SECTION = section("cases");
const RESULTS_SECTION = section("results");

/** `|` ends a cell, and a line ends a row. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;

function caseLines(): string[] {
	return [
		"| case | fault | expected outcome | on | CI |",
		"|---|---|---|---|---|",
		...CASES.map(({ id, fault, expected, on, smoke }) => row(id, fault, expected, on.join(", "), smoke ? "yes" : "")),
	];
}

/** Case and broker's product: what a row is known by. */
const keyOf = (line: string) => {
	const [, id = "", version = ""] = line.split("|").map((text) => text.trim());
	return `${id} ${version.split(" ")[0]}`;
};

function resultLines(before: readonly string[], outcomes: readonly Outcome[]): string[] {
	const rows = new Map(before.filter((line) => /^\| F\d/.test(line)).map((line) => [keyOf(line), line]));
	for (const { id, version, seed, passed, seconds, said } of outcomes) {
		const line = row(id, version, seed, passed ? "ok" : "FAILED", String(seconds), said.split("\n")[0] ?? "");
		rows.set(keyOf(line), line);
	}
	const number = (line: string) => Number(/^\| F(\d+)/.exec(line)?.[1]);
	const sorted = [...rows.values()].toSorted((a, b) => number(a) - number(b) || keyOf(a).localeCompare(keyOf(b)));
	return ["| case | broker | seed | outcome | s | what was seen |", "|---|---|---|---|---|---|", ...sorted];
}

function replaced(text: string, { start, end }: typeof CASES_SECTION, lines: (before: readonly string[]) => readonly string[]): string {
	const [head, rest] = text.split(start);
	const [before, tail] = rest?.split(end) ?? [];
	if (head === undefined || before === undefined || tail === undefined) throw new Error(`${FILE} has no place for: ${start}`);
	return `${head}${start}\n${lines(before.split("\n")).join("\n")}\n${end}${tail}`;
}

export async function writeResults(outcomes: readonly Outcome[]): Promise<void> {
	const text = replaced(await readFile(FILE, "utf8"), CASES_SECTION, caseLines);
	await writeFile(
		FILE,
		replaced(text, RESULTS_SECTION, (before) => resultLines(before, outcomes)),
	);
}

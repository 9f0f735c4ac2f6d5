// The results tables of docs/faults.md: rows of this run replace those of the same case and broker.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { CASES, CLUSTER_CASES } from "./cases/index.ts";
import type { FaultCase, Outcome } from "./fault-case.ts";

const FILE = fileURLToPath(new URL("../../docs/faults.md", import.meta.url));
/** `|` ends a cell, and a line ends a row. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
const row = (...cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;

function caseLines(cases: readonly FaultCase[]): string[] {
	return [
		"| case | fault | expected outcome | on | CI |",
		"|---|---|---|---|---|",
		...cases.map(({ id, fault, expected, on, smoke }) => row(id, fault, expected, on.join(", "), smoke ? "yes" : "")),
	];
}

/** Case and broker's product: what a row is known by. */
const keyOf = (line: string) => {
	const [, id = "", version = ""] = line.split("|").map((text) => text.trim());
	return `${id} ${version.split(" ")[0]}`;
};

const HEAD = ["case", "broker", "seed", "outcome", "s", "what was seen"];

function resultLines(before: readonly string[], outcomes: readonly Outcome[]): string[] {
	const rows = new Map(before.filter((line) => /^\| [A-Z]\d/.test(line)).map((line) => [keyOf(line), line]));
	const last = outcomes.some(({ prototype }) => prototype !== undefined);
	for (const { id, version, seed, passed, seconds, said, prototype } of outcomes) {
		const cells = [id, version, seed, passed ? "ok" : "FAILED", String(seconds), said.split("\n")[0] ?? ""];
		const line = row(...cells, ...(last ? [prototype ?? ""] : []));
		rows.set(keyOf(line), line);
	}
	const number = (line: string) => Number(/^\| [A-Z](\d+)/.exec(line)?.[1]);
	const sorted = [...rows.values()].toSorted((a, b) => number(a) - number(b) || keyOf(a).localeCompare(keyOf(b)));
	const head = last ? [...HEAD, "the prototype"] : HEAD;
	return [row(...head), `|${"---|".repeat(head.length)}`, ...sorted];
}

function replaced(text: string, name: string, lines: (before: readonly string[]) => readonly string[]): string {
	const [start, end] = [`<!-- ${name}: written by npm run faults -- --write -->`, `<!-- end of ${name} -->`];
	const [head, rest] = text.split(start);
	const [before, tail] = rest?.split(end) ?? [];
	if (head === undefined || before === undefined || tail === undefined) throw new Error(`${FILE} has no place for: ${start}`);
	return `${head}${start}\n${lines(before.split("\n")).join("\n")}\n${end}${tail}`;
}

/** Of the clusters: in the section of their own. */
export async function writeResults(outcomes: readonly Outcome[], clusters: boolean): Promise<void> {
	const [cases, results, all] = clusters ? ["cluster cases", "cluster results", CLUSTER_CASES] : ["cases", "results", CASES];
	const text = replaced(await readFile(FILE, "utf8"), cases, () => caseLines(all));
	await writeFile(
		FILE,
		replaced(text, results, (before) => resultLines(before, outcomes)),
	);
}

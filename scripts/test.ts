// `npm test`: everything, with all of its own set-up; ends with a table and the line that counts every runner's tests.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BACKENDS } from "../integration/src/backends.ts";
import { endRun } from "../integration/src/brokers/containers/engine.ts";
import { beginRun } from "../integration/src/brokers/containers/run.ts";
import { covered, notRun } from "../integration/src/coverage.ts";
import { LOWEST_NODE } from "./lowest-node.ts";
import { ROOT } from "./packages.ts";
import { execute } from "./process.ts";
import { formatFailures, formatTable, reportFile, REPORTS, type Row, stepRow, suiteRows, sumCounts } from "./vitest-report.ts";

interface Step {
	readonly name: string;
	readonly command: readonly string[];
	readonly version: string;
	readonly env?: NodeJS.ProcessEnv;
	/** What its tests are called in the table, if not by the step's name. */
	readonly suite?: string;
	/** The vitest report it leaves (.cache/reports/NAME.json); without one the step counts as one test, passed if it exits with 0. */
	readonly report?: string;
}

const node = process.execPath;
const here = `Node ${process.versions.node}`;

function project(name: string): Step {
	const command = ["vitest", "run", `--project=${name}`, "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile(name)}`];
	return { name, command, version: here, report: name };
}

const BROKERS: Step = { name: "brokers", version: here, command: [node, "--conditions=@polylog/source", "integration/scripts/brokers.ts"] };

/** The cases that tell most, on the backends of this run; the others by `npm run faults`. */
const FAULTS: Step = {
	name: "faults",
	version: here,
	command: [
		node,
		"--conditions=@polylog/source",
		"integration/faults/main.ts",
		"--smoke",
		`--broker=${BACKENDS.map((backend) => (backend === "redis-streams" ? "redis" : backend)).join(",")}`,
		`--report=${reportFile("faults")}`,
	],
	report: "faults",
};

/**
 * In this order, one after the other; a failure does not stop the rest. A step without a report is one test:
 * `{ name: "npm start", version: "memory", command: ["npm", "start"] }`.
 */
const STEPS: readonly Step[] = [
	{ name: "check", command: [node, "scripts/check.ts"], version: here, suite: "unit", report: "unit" },
	{ name: "lowest Node", command: [node, "scripts/lowest-node.ts"], version: `Node ${LOWEST_NODE}`, suite: "unit", report: "unit-lowest" },
	{ name: "npm start", version: "memory", command: ["npm", "start"] },
	{ name: "simulation", version: here, command: [node, "--conditions=@polylog/source", "simulation/main.ts", "--ci"] },
	...(covered().has("containers") ? [BROKERS] : []),
	project("integration"),
	project("conformance"),
	project("e2e"),
	FAULTS,
];

async function run(step: Step): Promise<Row[]> {
	console.log(`\n==== ${step.name}: ${step.command.join(" ").replaceAll(node, "node")}`);
	const { code, seconds } = await execute(step.command, { echo: true, ...(step.env && { env: step.env }) });
	console.log(`==== ${step.name}: ${code === 0 ? "ok" : `FAILED (${code ?? "signal"})`} in ${seconds.toFixed(1)} s`);
	if (step.report !== undefined)
		return suiteRows(step.report, { suite: step.suite ?? step.name, version: step.version, step: step.name, exitCode: code });
	return [stepRow(step.name, step.version, code === 0)];
}

// Many tests start processes: compiled code is kept from one to the next.
process.env["NODE_COMPILE_CACHE"] ??= join(ROOT, ".cache/node");
// Reports of an earlier run must not be counted.
rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS, { recursive: true });
// All steps share the container engine, which ends with the last of them.
beginRun();
const rows: Row[] = [];
try {
	for (const step of STEPS) rows.push(...(await run(step)));
} finally {
	await endRun();
}
console.log(`\n${formatTable(rows).join("\n")}`);
console.log(`\n${notRun() ?? "Everything was run."}`);
for (const line of formatFailures(rows)) console.log(line);
console.log(`\n${sumCounts(rows)}`);
process.exitCode = rows.every(({ failed }) => failed === 0) ? 0 : 1;

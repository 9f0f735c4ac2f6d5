// `npm run faults`: hurts real brokers and the processes that use them, and judges the histories these tell.
import { parseArgs } from "node:util";
import { CASES } from "./cases/index.ts";
import type { FaultCase, Outcome } from "./fault-case.ts";
import { formatOutcome, formatTable } from "./report.ts";
import { runCases } from "./run-cases.ts";
import { BACKENDS, type Backend } from "./servers.ts";
import { randomBytes } from "node:crypto";

const USAGE = `npm run faults -- [--broker ${BACKENDS.join("|")}[,…]] [--case F3[,F7…]] [--seed S] [--smoke] [--lanes N] [--write] [--list]`;

const { values } = parseArgs({
	options: {
		broker: { type: "string" },
		case: { type: "string" },
		seed: { type: "string" },
		smoke: { type: "boolean", default: false },
		lanes: { type: "string", default: "3" },
		list: { type: "boolean", default: false },
	},
});

function chosenBackends(): Backend[] {
	const names = values.broker?.split(",") ?? [...BACKENDS];
	const unknown = names.filter((name) => !BACKENDS.some((known) => known === name));
	if (unknown.length > 0) throw new RangeError(`no broker ${unknown.join(", ")}\n${USAGE}`);
	return names as Backend[];
}

function chosenCases(): FaultCase[] {
	const ids = values.case?.split(",").map((id) => id.toUpperCase());
	const unknown = (ids ?? []).filter((id) => !CASES.some((known) => known.id === id));
	if (unknown.length > 0) throw new RangeError(`no case ${unknown.join(", ")}; --list shows them`);
	return CASES.filter(({ id, smoke }) => (ids ? ids.includes(id) : smoke || !values.smoke));
}

if (values.list) {
	for (const { id, fault, expected, on, smoke } of CASES)
		console.log(`${id.padEnd(4)}${smoke ? "*" : " "} ${on.join(", ")}: ${fault} → ${expected}`);
} else {
	const seed = values.seed ?? randomBytes(3).toString("hex");
	const cases = chosenCases();
	const lanes = Number(values.lanes);
	console.log(`seed ${seed}`);
	const onOutcome = (outcome: Outcome) => console.log(formatOutcome(outcome));
	const outcomes = await Promise.all(
		chosenBackends().map((backend) =>
			runCases(
				backend,
				cases.filter(({ on }) => on.includes(backend)),
				{ seed, lanes, onOutcome },
			),
		),
	);
	const all = outcomes.flat();
	console.log(`\n${formatTable(all).join("\n")}`);
	if (all.length === 0 || all.some(({ passed }) => !passed)) process.exitCode = 1;
}

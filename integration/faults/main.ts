// `npm run faults`: hurts real brokers and the processes that use them, and judges the histories these tell.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { SourceMutation } from "../../scripts/source-mutation.ts";
import { CASES, CLUSTER_CASES } from "./cases/index.ts";
import { CLUSTERS, type ClusterKind, startCluster } from "./start-cluster.ts";
import type { FaultCase, Outcome } from "./fault-case.ts";
import { formatOutcome, formatTable, reportJson } from "./report.ts";
import { writeResults } from "./results-table.ts";
import { runCases } from "./run-cases.ts";
import { BACKENDS, type Backend, type Server, startServer } from "./servers.ts";
import { randomBytes } from "node:crypto";

const USAGE = `npm run faults -- [--broker ${BACKENDS.join("|")}[,…] | --cluster ${CLUSTERS.join("|")}] [--case F3[,F7…]] [--seed S] [--smoke] [--lanes N] [--write] [--report FILE] [--mutate JSON] [--list]`;

const { values } = parseArgs({
	options: {
		broker: { type: "string" },
		/** The cases of clusters, on one. */
		cluster: { type: "string" },
		case: { type: "string" },
		seed: { type: "string" },
		smoke: { type: "boolean", default: false },
		lanes: { type: "string", default: "3" },
		list: { type: "boolean", default: false },
		/** Writes what came of it as vitest's JSON reporter would. */
		report: { type: "string" },
		/** Into docs/faults.md. */
		write: { type: "boolean", default: false },
		/** Breaks the source that the processes run: scripts/source-mutation.ts. */
		mutate: { type: "string" },
	},
});

function chosenBackends(): Backend[] {
	const names = values.broker?.split(",") ?? [...BACKENDS];
	const unknown = names.filter((name) => !BACKENDS.some((known) => known === name));
	if (unknown.length > 0) throw new RangeError(`no broker ${unknown.join(", ")}\n${USAGE}`);
	return names as Backend[];
}

function chosenCluster(): ClusterKind | undefined {
	const kind = CLUSTERS.find((known) => known === values.cluster);
	if (values.cluster !== undefined && !kind) throw new RangeError(`no cluster ${values.cluster}\n${USAGE}`);
	if (kind && values.broker !== undefined) throw new RangeError(`either --broker or --cluster\n${USAGE}`);
	return kind;
}

function chosenCases(all: readonly FaultCase[]): FaultCase[] {
	const ids = values.case?.split(",").map((id) => id.toUpperCase());
	const unknown = (ids ?? []).filter((id) => !all.some((known) => known.id === id));
	if (unknown.length > 0) throw new RangeError(`no case ${unknown.join(", ")}; --list shows them`);
	return all.filter(({ id, smoke }) => (ids ? ids.includes(id) : smoke || !values.smoke));
}

// The servers are this process' children: they go with it.
for (const [signal, number] of [
	["SIGINT", 2],
	["SIGTERM", 15],
] as const)
	process.once(signal, () => process.exit(128 + number));

if (values.list) {
	for (const { id, fault, expected, on, smoke } of [...CASES, ...CLUSTER_CASES])
		console.log(`${id.padEnd(4)}${smoke ? "*" : " "} ${on.join(", ")}: ${fault} → ${expected}`);
} else {
	const seed = values.seed ?? randomBytes(3).toString("hex");
	const cluster = chosenCluster();
	const cases = chosenCases(cluster ? CLUSTER_CASES : CASES);
	const servers: readonly { readonly backend: Backend; readonly start: () => Promise<Server> }[] = cluster
		? [{ backend: cluster, start: () => startCluster(cluster) }]
		: chosenBackends().map((backend) => ({
				backend,
				start: () => startServer(backend, { clock: cases.some(({ movesClock, on }) => movesClock && on.includes(backend)) }),
			}));
	const lanes = Number(values.lanes);
	console.log(`seed ${seed}`);
	const mutation = values.mutate === undefined ? undefined : (JSON.parse(values.mutate) as SourceMutation);
	const onOutcome = (outcome: Outcome) => console.log(formatOutcome(outcome));
	const outcomes = await Promise.all(
		servers.map(({ backend, start }) =>
			runCases(
				start,
				cases.filter(({ on }) => on.includes(backend)),
				{ seed, lanes, mutation, smoke: values.smoke, onOutcome },
			),
		),
	);
	const all = outcomes.flat();
	console.log(`\n${formatTable(all).join("\n")}`);
	if (values.report !== undefined) await writeFile(values.report, reportJson(all));
	if (values.write) await writeResults(all, cluster !== undefined);
	if (all.length === 0 || all.some(({ passed }) => !passed)) process.exitCode = 1;
}

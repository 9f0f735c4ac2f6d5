// npm run simulate: see options.ts. Ends with 1 if an invariant was broken.
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { cutPlan, describeFault, shorten } from "@polylog/testing/world";
import { commandOf, readOptions, type SimulateOptions, USAGE } from "./options.ts";
import { planOf } from "./plan-of.ts";
import { type JobResult, runJobs } from "./pool.ts";
import { runPlan, type SeedResult } from "./run-seed.ts";
import { scenarios } from "./scenarios.ts";

import { Tally } from "./tally.ts";
import type { Job } from "./worker.ts";

/** CI: the same every time, then fresh ones; a minute or so on two cores. */
const FIXED_SEEDS = 200;
const SCENARIO_SEEDS = 3;
const FRESH_SEEDS = 100;
/** Of a failing seed's trace. */
const TRACE_LINES = 60;
/** More than this many failing seeds need not all be told. */
const TOLD = 3;

const options = optionsOrExit();
if (options.mode === "one") await runOne(options);
else await runMany(options);

async function runOne({ seed = 0, scenario, cuts }: SimulateOptions): Promise<void> {
	const plan = cutPlan(planOf(seed, scenario), cuts);
	const result = await runPlan(plan);
	console.log(result.trace.join("\n"));
	tell(result);
	if (result.violations.length > 0) process.exitCode = 1;
}

async function runMany({ mode, seeds, seed, scenario, workers }: SimulateOptions): Promise<void> {
	const first = seed ?? randomInt(1, 2 ** 31);
	const threads = workers ?? Math.min(2, availableParallelism());
	const tally = new Tally();
	const failed: JobResult[] = [];
	const jobs = mode === "ci" ? ciJobs(first) : seedJobs(first, seeds, scenario);
	console.log(`fresh seeds from ${first} on; ${threads} threads`);
	const next = () => {
		const { value } = jobs.next();
		return value ?? undefined;
	};
	await runJobs(threads, next, (result) => {
		tally.add(result);
		if (result.violations.length === 0) return;
		failed.push(result);
		for (const { invariant } of result.violations) console.log(`seed ${result.seed} ${result.scenario ?? ""} broke ${invariant}`);
	});
	for (const result of failed.slice(0, TOLD)) await explain(result);
	console.log(tally.line());
	if (failed.length > 0) process.exitCode = 1;
}

function* seedJobs(first: number, count: number, scenario: string | undefined): Generator<Job, undefined> {
	for (let seed = first; seed < first + count; seed++) yield { seed, scenario };
	return undefined;
}

function* ciJobs(first: number): Generator<Job, undefined> {
	for (const scenario of scenarios.keys()) yield* seedJobs(1, SCENARIO_SEEDS, scenario);
	yield* seedJobs(1, FIXED_SEEDS, undefined);
	for (let i = 0; i < FRESH_SEEDS; i++) yield { seed: first + i, scenario: undefined };
	return undefined;
}

/** Shortens a failing seed and tells how to see it again. */
async function explain({ seed, scenario, violations }: JobResult): Promise<void> {
	const plan = planOf(seed, scenario);
	const [broken] = violations;
	const breaks = async (shorter: typeof plan) =>
		(await runPlan(shorter)).violations.some(({ invariant }) => invariant === broken?.invariant);
	const cuts = await shorten(plan, breaks);
	const shorter = cutPlan(plan, cuts);
	const result = await runPlan(shorter);
	console.log(`\n==== seed ${seed}, shortened from ${plan.faults.length} faults to ${shorter.faults.length}`);
	for (const fault of shorter.faults) console.log(`  ${describeFault(fault)}`);
	console.log(result.trace.slice(-TRACE_LINES).join("\n"));
	tell(result);
	console.log(`again: ${commandOf(seed, scenario, cuts)}\n`);
}

function tell({ violations, ...size }: SeedResult): void {
	for (const { invariant, text, atMs } of violations) console.log(`BROKEN ${invariant} at ${(atMs / 1000).toFixed(3)} s: ${text}`);
	console.log(
		`${violations.length} violations; ${(size.virtualMs / 1000).toFixed(1)} virtual seconds, ${size.events} events, ${size.entries} journal entries, ${size.dispatches} dispatches (${size.repeated} repeated)`,
	);
}

function optionsOrExit(): SimulateOptions {
	try {
		return readOptions(process.argv.slice(2));
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
		process.exit(2);
	}
}

// Runs the checks, several at a time, and says of each promise whether it is kept.
import assert from "node:assert/strict";
import { type Capabilities, connect, silentLog } from "@polylog/core";
import { CHECKS } from "./checks/index.ts";
import type { Check, CheckResult, Report } from "./check.ts";
import { CheckContext, type ContextSource } from "./context.ts";
import type { Harness } from "./harness.ts";
import { themeOf } from "./report/theme.ts";
import { SeededRandom, systemRandom as random } from "@polylog/core/testing";
import { clock, within } from "./time.ts";

export interface CheckOptions {
	/** Names and random inputs follow from it; the report says which was used. Default: made up. */
	readonly seed?: string;
	/** Only the checks with these ids, or of these themes: "commits.visible", "commits". */
	readonly only?: readonly string[];
	/** How many run at once. Default 12: most of them wait. */
	readonly concurrency?: number;
	/** Of the kit's groups. Default 1500. */
	readonly sessionTimeoutMs?: number;
	/** Wraps each check that runs alone, for a caller that has several runs at once: a lock they share. Default: nothing. */
	readonly exclusively?: <T>(check: () => Promise<T>) => Promise<T>;
	/** Called as each check ends. */
	readonly onResult?: (result: CheckResult) => void;
}

/** Each starts two or three members. */
const PROCESS_CHECKS_AT_ONCE = 2;

/** Starts the harness' broker, runs the checks, stops the broker. */
export async function runChecks(harness: Harness, options: CheckOptions = {}): Promise<Report> {
	const checks = selectChecks(options);
	const results: CheckResult[] = [];
	const run = startRun(harness, checks, options);
	for (const check of checks) results.push(await run.result(check));
	await run.ended;
	const { capabilities, server } = await run.facts;
	return { backend: harness.name, server, capabilities, seed: run.seed, results };
}

export function selectChecks({ only }: CheckOptions): readonly Check[] {
	if (!only) return CHECKS;
	return CHECKS.filter(({ id }) => only.includes(id) || only.includes(themeOf(id)));
}

export interface Run {
	readonly seed: string;
	readonly facts: Promise<{ readonly capabilities: Capabilities; readonly server: string }>;
	result(check: Check): Promise<CheckResult>;
	readonly ended: Promise<void>;
}

/** Starts everything at once; `result` waits for one check. */
export function startRun(harness: Harness, checks: readonly Check[], options: CheckOptions = {}): Run {
	const seed = options.seed ?? random.hex(4);
	const waiting = new Map(checks.map((check) => [check.id, Promise.withResolvers<CheckResult>()]));
	for (const { promise } of waiting.values()) promise.catch(() => {});
	const source = begin(harness, options);
	const settle = (result: CheckResult) => {
		options.onResult?.(result);
		waiting.get(result.id)?.resolve(result);
	};
	const ended = source.then(
		async (started) => {
			await runAll(checks, started, seed, options, settle);
			await started.running.stop?.();
		},
		(error: unknown) => waiting.forEach(({ reject }) => reject(error)),
	);
	const result = (check: Check) => waiting.get(check.id)?.promise ?? Promise.reject(new RangeError(`${check.id} is not part of this run`));
	const facts = source.then(({ capabilities, running }) => ({ capabilities, server: running.server ?? "a server of unknown version" }));
	facts.catch(() => {});
	return { seed, facts, result, ended };
}

type Started = Omit<ContextSource, "random">;

async function begin(harness: Harness, options: CheckOptions): Promise<Started> {
	const running = await harness.start();
	const broker = await connect({ log: silentLog, ...running.config });
	const { capabilities } = broker;
	await broker.close();
	return { harness, running, capabilities, sessionTimeoutMs: options.sessionTimeoutMs ?? 1500, log: silentLog };
}

async function runAll(
	checks: readonly Check[],
	started: Started,
	seed: string,
	{ concurrency = 12, exclusively = (check) => check() }: CheckOptions,
	settle: (result: CheckResult) => void,
): Promise<void> {
	const pool = async (which: NonNullable<Check["runs"]>, size: number) => {
		const next = checks.filter((check) => (check.runs ?? "together") === which)[Symbol.iterator]();
		const worker = async () => {
			for (const check of next) {
				const run = () => runCheck(check, started, seed);
				settle(await (which === "alone" ? exclusively(run) : run()));
			}
		};
		await Promise.all(Array.from({ length: size }, worker));
	};
	await Promise.all([pool("processes", PROCESS_CHECKS_AT_ONCE), pool("together", concurrency)]);
	await pool("alone", 1);
}

async function runCheck(check: Check, started: Started, seed: string): Promise<CheckResult> {
	const { id, promise } = check;
	const missing = (check.needs ?? []).filter((flag) => !started.capabilities[flag]);
	if (missing.length > 0)
		return { id, promise, status: "unsupported", ms: 0, reason: `${started.harness.name} declares no ${missing.join(", ")}` };
	const ctx = new CheckContext({ ...started, random: new SeededRandom(seed, id) });
	const start = clock.now();
	try {
		await within(check.timeoutMs ?? 120_000, `the check ${id}`, () => check.run(ctx));
		const [broken] = ctx.brokenHistories();
		assert.ok(broken === undefined, broken);
		return { id, promise, status: "kept", ms: Math.round(clock.now() - start) };
	} catch (error) {
		return {
			id,
			promise,
			status: "broken",
			ms: Math.round(clock.now() - start),
			reason: reasonOf(error, ctx),
			error,
		};
	} finally {
		await ctx.cleanUp().catch(() => {});
	}
}

/** What the check says, and what its histories say if that is more: they name the record. */
function reasonOf(error: unknown, ctx: CheckContext): string {
	const found = error instanceof Error ? error.message : String(error);
	const told = ctx.brokenHistories().filter((text) => !found.includes(text));
	return [found, ...told].join("; ");
}

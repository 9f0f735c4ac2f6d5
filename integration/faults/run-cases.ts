// Runs cases on one broker: those that leave it alone side by side, the others one after the other.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventLine } from "@polylog/conformance";
import type { SourceMutation } from "../../scripts/source-mutation.ts";
import { brokenSoFar, finish } from "./finale.ts";
import type { FaultCase, Outcome } from "./fault-case.ts";
import type { Server } from "./servers.ts";
import { Stage } from "./stage.ts";
import { within } from "./waiting.ts";

const FOLDER = fileURLToPath(new URL("../../.cache/faults/", import.meta.url));
const CASE_MS = 480_000;

export interface RunOptions {
	readonly seed: string;
	/** Cases at once on this broker. */
	readonly lanes: number;
	/** Cases that take minutes are to be shorter. */
	readonly smoke: boolean;
	/** Breaks the source that members and producers run, on purpose. */
	readonly mutation?: SourceMutation | undefined;
	onOutcome(outcome: Outcome): void;
}

export async function runCases(start: () => Promise<Server>, cases: readonly FaultCase[], options: RunOptions): Promise<Outcome[]> {
	if (cases.length === 0) return [];
	const server = await start();
	const outcomes: Outcome[] = [];
	const take = async (some: Iterator<FaultCase>) => {
		for (let next = some.next(); !next.done; next = some.next()) {
			const outcome = await runCase(next.value, server, options);
			outcomes.push(outcome);
			options.onOutcome(outcome);
		}
	};
	try {
		const gentle = cases.filter(({ hurtsBroker }) => !hurtsBroker).values();
		await Promise.all(Array.from({ length: options.lanes }, () => take(gentle)));
		await take(cases.filter(({ hurtsBroker }) => hurtsBroker).values());
	} finally {
		await server[Symbol.asyncDispose]();
	}
	return outcomes;
}

async function runCase(fault: FaultCase, server: Server, options: RunOptions): Promise<Outcome> {
	const { seed } = options;
	const start = performance.now();
	const stage = new Stage(server, fault.id, options);
	const outcome = (passed: boolean, said: string): Outcome => ({
		id: fault.id,
		backend: server.backend,
		version: server.version,
		seed,
		passed,
		seconds: Math.round((performance.now() - start) / 100) / 10,
		said,
		...(server.cluster ? { prototype: fault.prototype?.[server.backend] ?? "not tried" } : {}),
	});
	let passed = false;
	try {
		const seen = await within(CASE_MS, `the case ${fault.id}`, fault.run(stage));
		const summary = await finish(stage, fault);
		passed = true;
		return outcome(true, [seen, summary].filter(Boolean).join("; "));
	} catch (error) {
		const said = error instanceof Error ? error.message : String(error);
		const broken = brokenSoFar(stage)
			.slice(0, 5)
			.map((line) => `\nthe history: ${line}`);
		return { ...outcome(false, `${said}${broken.join("")}`), folder: await keep(stage, fault, seed) };
	} finally {
		// A case that failed half way may have left the broker stopped: the next one needs it.
		if (fault.hurtsBroker && !passed) await within(120_000, "reviving the broker", revive(server)).catch(() => {});
		await within(30_000, "cleaning up", stage.strike()).catch(() => {});
	}
}

async function revive({ process, cluster }: Server): Promise<void> {
	await cluster?.heal();
	if (!process) return;
	await process.resume();
	await process.kill();
	await process.start();
}

/** The histories, one file for each process. */
async function keep(stage: Stage, { id }: FaultCase, seed: string): Promise<string> {
	const folder = join(FOLDER, `${stage.backend}-${id}-${seed}`);
	await mkdir(folder, { recursive: true });
	for (const { name, events, body } of stage.players) {
		await writeFile(join(folder, `${name}.jsonl`), events.map((event) => `${eventLine(event)}\n`).join(""));
		if (body.said() !== "") await writeFile(join(folder, `${name}.stderr`), body.said());
	}
	await writeFile(join(folder, "suite.jsonl"), stage.events.map((event) => `${eventLine(event)}\n`).join(""));
	if (stage.server.process) await writeFile(join(folder, "broker.log"), stage.server.process.logs());
	return folder;
}

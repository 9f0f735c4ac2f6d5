// Runs seeds in a thread of its own: numbers in, results out. Only failing seeds come with their trace.
import { parentPort } from "node:worker_threads";
import { planOf } from "./plan-of.ts";
import { runPlan } from "./run-seed.ts";

export interface Job {
	readonly seed: number;
	readonly scenario: string | undefined;
}

parentPort?.on("message", (jobs: readonly Job[]) => void work(jobs));

async function work(jobs: readonly Job[]): Promise<void> {
	for (const { seed, scenario } of jobs) {
		const result = await runPlan(planOf(seed, scenario));
		parentPort?.postMessage({ ...result, scenario, trace: [] });
	}
	parentPort?.postMessage("done");
}

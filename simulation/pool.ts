// Spreads seeds over threads.
import { Worker } from "node:worker_threads";
import type { SeedResult } from "./run-seed.ts";
import type { Job } from "./worker.ts";

const CHUNK = 8;

export type JobResult = SeedResult & { readonly scenario: string | undefined };

/** Runs jobs until `next` gives none; tells each result. */
export async function runJobs(threads: number, next: () => Job | undefined, onResult: (result: JobResult) => void): Promise<void> {
	await Promise.all(Array.from({ length: threads }, () => runThread(next, onResult)));
}

function runThread(next: () => Job | undefined, onResult: (result: JobResult) => void): Promise<void> {
	return new Promise((resolve, reject) => {
		const worker = new Worker(new URL("worker.ts", import.meta.url));
		const give = () => {
			const jobs: Job[] = [];
			for (let job = next(); job; job = jobs.length < CHUNK ? next() : undefined) jobs.push(job);
			if (jobs.length > 0) worker.postMessage(jobs);
			else void worker.terminate().then(() => resolve(), reject);
		};
		worker.on("message", (message: JobResult | "done") => (message === "done" ? give() : onResult(message)));
		worker.on("error", reject);
		give();
	});
}

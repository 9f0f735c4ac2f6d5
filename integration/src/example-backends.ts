// One description for each backend that this run covers, with a server of its own.
import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { type Backend, BACKENDS, reportBackend, type RunningBackend, startBackend } from "./backends.ts";

/** `processes`: the backend can have members as processes. */
export function describeOnBackends(what: string, tests: (url: () => string, backend: Backend, processes: readonly string[]) => void): void {
	describe.each(BACKENDS)(`${what} on %s`, (backend) => {
		let running: RunningBackend;
		beforeAll(async () => {
			running = await startBackend(backend);
		}, 300_000);
		beforeEach((context) => reportBackend(context, backend, running));
		afterAll(async () => {
			await running?.[Symbol.asyncDispose]();
		});
		tests(() => running.url, backend, backend === "memory" ? [] : ["--processes"]);
	});
}

/** Whether what a process left is there for the next one. */
export const survives = (backend: Backend): boolean => backend !== "memory";

/** What an example says that a second start does. */
export const afterwards = (backend: Backend): string => (survives(backend) ? "goes on where it stopped" : "begins anew");

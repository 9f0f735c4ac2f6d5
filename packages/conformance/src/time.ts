// Waiting, for the kit: everything that depends on time goes through core's clock.
import { readFileSync } from "node:fs";
import { sleep } from "@polylog/core/driver";
import { systemClock as clock } from "@polylog/core/testing";

export { clock };

export const delay = (ms: number, signal?: AbortSignal): Promise<void> => sleep(clock, ms, signal);

const POLL_MS = 8;
/** However busy the machine is: nothing waits for ever. */
const BUSY_AT_MOST = 4;

/**
 * Resolves when `condition` holds; fails, naming `what`, when it does not within `ms`, without what others took: so a
 * check means the same on a busy machine.
 */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string), ms = 10_000): Promise<void> {
	const watch = stopwatch();
	while (!(await condition())) {
		if (isOver(watch, ms)) throw new Error(`waited ${ms} ms in vain until ${typeof what === "string" ? what : what()}`);
		await delay(POLL_MS);
	}
}

/** What the work resolves to, or a failure naming `what` when that takes longer than `ms`, without what others took. */
export async function within<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
	const watch = stopwatch();
	const settled = new AbortController();
	const failure = () => new Error(`${what} took longer than ${ms} ms`);
	const late = (async () => {
		while (!isOver(watch, ms)) await delay(Math.max(POLL_MS, ms - watch.elapsed()), settled.signal);
		throw failure();
	})();
	late.catch(() => {});
	try {
		const value = await Promise.race([work(), late]);
		// Whoever held the event loop came before the failure.
		if (isOver(watch, ms)) throw failure();
		return value;
	} finally {
		settled.abort();
	}
}

/** How long the work took, in ms, without what others took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
	const watch = stopwatch();
	await work();
	return watch.elapsed();
}

type Stopwatch = ReturnType<typeof stopwatch>;

export function stopwatch() {
	const [start, waited] = [clock.now(), waitedForProcessor()];
	const real = () => clock.now() - start;
	const elapsed = () => real() - (waitedForProcessor() - waited);
	return { real, elapsed, fair: () => fair(real(), real() - elapsed()) };
}

/** What counts of the time that something took, in ms, though those whose work it was waited for a processor: half of it at least. */
export const fair = (realMs: number, waitedMs: number): number => Math.max(realMs - waitedMs, realMs / 2);

const isOver = (watch: Stopwatch, ms: number): boolean =>
	watch.real() >= BUSY_AT_MOST * ms || (watch.real() >= ms && watch.elapsed() >= ms);

/**
 * How long this thread has been ready to run while others had the processor, in ms: the only delay that is nobody's fault
 * here. A driver that holds the event loop, at work or asleep, pays for it itself. 0 where the system does not tell: bounds are
 * tighter then.
 */
export function waitedForProcessor(thread = "thread-self"): number {
	if (process.platform !== "linux") return 0;
	try {
		return Number(readFileSync(`/proc/${thread}/schedstat`, "utf8").split(" ")[1]) / 1e6;
	} catch {
		return 0;
	}
}

/** A promise and its resolver: a gate that handlers of a check wait at. */
export interface Gate {
	readonly passed: Promise<void>;
	open(): void;
}

export function gate(): Gate {
	const { promise, resolve } = Promise.withResolvers<void>();
	return { passed: promise, open: () => resolve() };
}

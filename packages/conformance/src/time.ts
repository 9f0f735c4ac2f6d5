// Waiting, for the kit: everything that depends on time goes through core's clock.
import { sleep } from "@polylog/core/driver";
import { systemClock as clock } from "@polylog/core/testing";

export { clock };

export const delay = (ms: number, signal?: AbortSignal): Promise<void> => sleep(clock, ms, signal);

const POLL_MS = 8;
/** However busy the machine is: a process that keeps itself busy must not wait for ever. */
const BUSY_AT_MOST = 4;

/**
 * Resolves when `condition` holds; fails, naming `what`, when it does not within `ms`. On a busy machine the pauses
 * between two looks get longer than asked for: that excess is not counted, so that a check means the same there.
 */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string), ms = 10_000): Promise<void> {
	const start = clock.now();
	let end = start + ms;
	while (!(await condition())) {
		const before = clock.now();
		if (before >= end || before >= start + BUSY_AT_MOST * ms)
			throw new Error(`waited ${ms} ms in vain until ${typeof what === "string" ? what : what()}`);
		await delay(POLL_MS);
		end += Math.max(0, clock.now() - before - 2 * POLL_MS);
	}
}

/** The promise's value, or a failure naming `what` when it is not settled within `ms`; a busy machine's share is not counted. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
	const watch = stopwatch();
	const late = (async () => {
		while (await watch.tick())
			if (watch.elapsed() >= ms || watch.real() >= BUSY_AT_MOST * ms) throw new Error(`${what} took longer than ${ms} ms`);
		return undefined as never;
	})();
	late.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		watch.stop();
	}
}

/** How long the promise took, in ms, without what a busy machine added. */
export async function timed(promise: Promise<unknown>): Promise<number> {
	const watch = stopwatch();
	void (async () => {
		while (await watch.tick());
	})();
	try {
		await promise;
		return watch.elapsed();
	} finally {
		watch.stop();
	}
}

/** Runs while it is ticked; a tick that comes later than asked for says how busy the machine is, and is taken off. */
function stopwatch() {
	const stopped = new AbortController();
	const start = clock.now();
	let excess = 0;
	return {
		elapsed: () => clock.now() - start - excess,
		real: () => clock.now() - start,
		stop: () => stopped.abort(),
		/** False once it is stopped. */
		async tick(): Promise<boolean> {
			const before = clock.now();
			await delay(2 * POLL_MS, stopped.signal).catch(() => {});
			excess += Math.max(0, clock.now() - before - 3 * POLL_MS);
			return !stopped.signal.aborted;
		},
	};
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

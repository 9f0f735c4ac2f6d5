// Waiting, for the suite. It is real time, on a machine that may be busy: conditions are polled with generous limits.
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;

export { delay };

/** Resolves when `condition` holds; fails, naming `what`, when it does not within `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string), ms = 30_000): Promise<void> {
	const end = performance.now() + ms;
	while (!(await condition())) {
		if (performance.now() >= end) throw new Error(`waited ${ms} ms in vain until ${typeof what === "string" ? what : what()}`);
		await delay(POLL_MS);
	}
}

/** The promise's value, or a failure naming `what` when it is not settled within `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
	const over = new AbortController();
	const late = delay(ms, undefined, { signal: over.signal }).then(() => {
		throw new Error(`${what} took longer than ${ms} ms`);
	});
	late.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		over.abort();
	}
}

// Waiting, for the kit: everything that depends on time goes through core's clock.
import { sleep } from "@polylog/core/driver";
import { clock } from "./lent.ts";

export { clock };

export const delay = (ms: number, signal?: AbortSignal): Promise<void> => sleep(clock, ms, signal);

/** Resolves when `condition` holds; fails, naming `what`, when it does not within `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string), ms = 10_000): Promise<void> {
	const end = clock.now() + ms;
	while (!(await condition())) {
		if (clock.now() >= end) throw new Error(`waited ${ms} ms in vain until ${typeof what === "string" ? what : what()}`);
		await delay(8);
	}
}

/** The promise's value, or a failure naming `what` when it is not settled within `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
	const gone = new AbortController();
	const late = delay(ms, gone.signal).then(() => {
		throw new Error(`${what} took longer than ${ms} ms`);
	});
	late.catch(() => {});
	try {
		return await Promise.race([promise, late]);
	} finally {
		gone.abort();
	}
}

/** How long the promise took, in ms. */
export async function timed(promise: Promise<unknown>): Promise<number> {
	const start = clock.now();
	await promise;
	return clock.now() - start;
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

// Owns time, timers and randomness. Lint forbids them everywhere else: whatever decides by time is given a Clock,
// so that a test or a simulator can be the clock.
import { randomBytes } from "node:crypto";

export interface Clock {
	/** Monotonic milliseconds. Decides every timeout. */
	now(): number;
	/** Milliseconds since 1970. Stamps records; decides nothing. */
	wall(): number;
	/** Calls `callback` once after `delayMs`, soon if that is past already; the returned function cancels. */
	after(delayMs: number, callback: () => void): () => void;
	/** Resolves in a later turn of the event loop, after pending I/O and timers had their chance. */
	yield(): Promise<void>;
}

export interface Random {
	/** A float in [0, 1). */
	fraction(): number;
	/** `bytes` random bytes as lower-case hexadecimal. */
	hex(bytes: number): string;
}

export const systemClock: Clock = {
	now: () => performance.now(),
	wall: () => Date.now(),
	after(delayMs, callback) {
		// setTimeout fires at once for delays beyond 2^31 - 1, and Node warns of negative ones.
		const timer = setTimeout(callback, Math.max(0, Math.min(delayMs, 2_147_483_647)));
		return () => clearTimeout(timer);
	},
	yield: () => new Promise((resolve) => setImmediate(resolve)),
};

export const systemRandom: Random = {
	fraction: () => Math.random(),
	hex: (bytes) => randomBytes(bytes).toString("hex"),
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal?.aborted) return reject(signal.reason);
		const onAbort = () => {
			cancel();
			reject(signal?.reason);
		};
		const cancel = clock.after(delayMs, () => {
			signal?.removeEventListener("abort", onAbort);
			resolve();
		});
		signal?.addEventListener("abort", onAbort, { once: true });
	});
}

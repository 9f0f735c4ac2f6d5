// Waiting that ends: by time, by a signal, by the loss of a connection.
import { type Clock, PolylogError, sleep } from "@polylog/core/driver";
import { classify } from "./errors.ts";

/** A stream that is being made has no replica for a moment. */
const STARTING_MS = 3000;
const RETRY_MS = 50;

/** `promise`, or a TIMEOUT after `ms`; `what` completes the sentence. */
export function within<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const cancel = clock.after(ms, () => reject(new PolylogError("TIMEOUT", `${what} took longer than ${ms} ms`)));
		promise.then(resolve, reject).finally(cancel);
	});
}

/** Repeats `work` for a few seconds while the node says that it cannot serve the stream yet. */
export async function onceStarted<T>(clock: Clock, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
	for (const until = clock.now() + STARTING_MS; ;) {
		try {
			return await work();
		} catch (error) {
			if (classify(error).code !== "UNAVAILABLE" || clock.now() >= until) throw error;
			await sleep(clock, RETRY_MS, signal);
		}
	}
}

/** Resolves when rung, after `ms`, or when a signal aborts. Never rejects. */
export class Bell {
	readonly #waiting = new Set<() => void>();

	ring(): void {
		for (const wake of this.#waiting) wake();
	}

	wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			if (signal?.aborted) return resolve();
			const wake = () => {
				cancel();
				signal?.removeEventListener("abort", wake);
				this.#waiting.delete(wake);
				resolve();
			};
			const cancel = clock.after(ms, wake);
			signal?.addEventListener("abort", wake, { once: true });
			this.#waiting.add(wake);
		});
	}
}

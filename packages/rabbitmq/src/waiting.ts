// Waiting that ends: by time, by a signal, by the loss of a connection.
import { type Clock, PolylogError } from "@polylog/core/driver";

/** `promise`, or a rejection with the signal's reason as soon as it aborts. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return promise;
	return new Promise((resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		const abort = () => reject(signal.reason);
		signal.addEventListener("abort", abort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
	});
}

/** `promise`, or a TIMEOUT after `ms`; `what` completes the sentence. */
export function within<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const cancel = clock.after(ms, () => reject(new PolylogError("TIMEOUT", `${what} took longer than ${ms} ms`)));
		promise.then(resolve, reject).finally(cancel);
	});
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

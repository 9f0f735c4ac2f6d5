import { PolylogError } from "./errors.ts";

/** What a call rejects with when the caller's signal ended it. */
export function abortedError(signal: AbortSignal, doing: string): PolylogError {
	return new PolylogError("ABORTED", `${doing} was aborted by the caller's signal`, { cause: signal.reason });
}

/** `promise`, or a rejection with the signal's reason as soon as it aborts; what is under way goes on unheeded. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return promise;
	return new Promise((resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		const abort = () => reject(signal.reason);
		signal.addEventListener("abort", abort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
	});
}

import { PolylogError } from "./errors.ts";

/** What a call rejects with when the caller's signal ended it. */
export function abortedError(signal: AbortSignal, doing: string): PolylogError {
	return new PolylogError("ABORTED", `${doing} was aborted by the caller's signal`, { cause: signal.reason });
}

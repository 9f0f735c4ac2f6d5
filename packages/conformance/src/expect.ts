// What the checks assert beyond node:assert.
import assert from "node:assert/strict";
import type { ErrorCode, PolylogError } from "@polylog/core";
import { isPolylogError } from "@polylog/core/driver";

/** Fails unless the promise rejects with this code; gives the error. */
export async function rejectsWith(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<PolylogError> {
	const error = await promise.then(
		(value) => assert.fail(`resolved (with ${typeof value}) instead of rejecting with ${codes.join(" or ")}`),
		(reason: unknown) => reason,
	);
	return hasCode(error, ...codes);
}

export function hasCode(error: unknown, ...codes: ErrorCode[]): PolylogError {
	if (isPolylogError(error) && codes.includes(error.code)) return error;
	throw new assert.AssertionError({ message: `expected ${codes.join(" or ")}, got ${String(error)}`, actual: error });
}

/** Misuse is a TypeError or RangeError; what a user may have typed into a configuration is CONFIG_INVALID. */
export async function rejectsAsMisuse(call: () => unknown): Promise<void> {
	await assert.rejects(
		async () => await call(),
		(error) => error instanceof TypeError || error instanceof RangeError || isPolylogError(error, "CONFIG_INVALID"),
	);
}

/** ABORTED, or the signal's own reason. */
export function isAbort(error: unknown): boolean {
	return isPolylogError(error, "ABORTED") || (error instanceof Error && error.name === "AbortError");
}

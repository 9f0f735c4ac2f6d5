// Turns what a broker's client threw into a PolylogError, once, with nothing secret left in it.
import type { Driver } from "./driver/driver.ts";
import { ERROR_CODES, type ErrorContext, isPolylogError, PolylogError } from "./errors.ts";
import { type Secret, scrub } from "./secret.ts";

const MAX_CAUSES = 5;
const MAX_MESSAGE = 500;
/** What may be copied of a client's error beside its text. Anything else may hold credentials or values (ioredis: `command.args`). */
const SAFE_FIELDS = ["code", "errno", "syscall", "address", "port"] as const;

/**
 * `error` as a PolylogError: what was tried (`doing`, such as "appending to orders/3 on redis://host"), the client's own
 * message, and the remedy. A PolylogError is returned as it is. `cause` is a scrubbed copy, not the client's object.
 */
export function wrapDriverError(
	driver: Pick<Driver, "name" | "classify">,
	error: unknown,
	doing: string,
	context: ErrorContext,
	secrets: readonly Secret[],
): PolylogError {
	if (isPolylogError(error)) return error;
	const { code, retryable } = classify(driver, error);
	const told = scrub(messageOf(error), secrets).slice(0, MAX_MESSAGE);
	const message = `${scrub(doing, secrets)} failed: ${told} (${code}). ${ERROR_CODES[code].remedy}`;
	return new PolylogError(code, message, {
		...context,
		...(retryable === undefined ? {} : { retryable }),
		cause: scrubbedCopy(error, secrets),
	});
}

function classify(driver: Pick<Driver, "classify">, error: unknown): ReturnType<Driver["classify"]> {
	try {
		const classification = driver.classify(error);
		return Object.hasOwn(ERROR_CODES, classification.code) ? classification : { code: "UNKNOWN" };
	} catch {
		// `classify` is total by contract; an adapter that breaks it must not hide the error it was asked about.
		return { code: "UNKNOWN" };
	}
}

function messageOf(error: unknown): string {
	if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
	if (error instanceof Error) return error.message || error.name;
	if (typeof error === "string") return error;
	return `a thrown ${error === null ? "null" : typeof error}`;
}

function scrubbedCopy(error: unknown, secrets: readonly Secret[], depth = 1): unknown {
	if (isPolylogError(error)) return error;
	if (!(error instanceof Error)) return scrub(messageOf(error), secrets);
	const copy = new Error(scrub(messageOf(error), secrets));
	copy.name = error.name;
	if (error.stack !== undefined) copy.stack = scrub(error.stack, secrets);
	for (const field of SAFE_FIELDS) {
		const value: unknown = Reflect.get(error, field);
		if (typeof value === "number") Object.assign(copy, { [field]: value });
		if (typeof value === "string") Object.assign(copy, { [field]: scrub(value, secrets) });
	}
	if (error.cause !== undefined && depth < MAX_CAUSES) copy.cause = scrubbedCopy(error.cause, secrets, depth + 1);
	return copy;
}

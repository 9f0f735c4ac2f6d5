// Standard Schema: whether a value fits, told by paths and messages and never by the value.
import type { StandardSchemaV1 } from "@standard-schema/spec";

const MAX_ISSUES = 5;
const MAX_ISSUE_LENGTH = 200;

/** What the schema makes of `value`; a promise only if the schema is asynchronous. Throws a TypeError that tells why it does not fit. */
export function validate<T>(schema: StandardSchemaV1<unknown, T>, value: unknown): T | Promise<T> {
	const result = schema["~standard"].validate(value);
	return isPromise(result) ? result.then(accepted) : accepted(result);
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
	return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function accepted<T>(result: StandardSchemaV1.Result<T>): T {
	if (result.issues) throw new TypeError(`it does not fit the schema: ${describe(result.issues)}`);
	return result.value;
}

function describe(issues: readonly StandardSchemaV1.Issue[]): string {
	const told = issues.slice(0, MAX_ISSUES).map((issue) => {
		const path = (issue.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".");
		return (path === "" ? issue.message : `${path}: ${issue.message}`).slice(0, MAX_ISSUE_LENGTH);
	});
	const more = issues.length - told.length;
	return told.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

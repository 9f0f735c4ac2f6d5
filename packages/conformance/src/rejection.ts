// What the kit has to say of something that is broken on purpose, and whether it did: how the kit itself is proven.
import type { Check, CheckResult } from "./check.ts";

/** The check made for it, and its reason. */
export type Rejection = readonly [check: string, because: RegExp];

type Result = Pick<CheckResult, "id" | "promise" | "status" | "reason">;

/**
 * Why the broken thing was not rejected as it has to be; empty if it was. Each check named for it has to exist in `checks`,
 * to be broken, and to say why and which promise that breaks.
 */
export function escapes(rejectedBy: readonly Rejection[], results: readonly Result[], checks: readonly Check[]): string[] {
	const problems = rejectedBy.flatMap(([id, because]) => {
		const check = checks.find((known) => known.id === id);
		if (!check) return [`there is no check ${id}`];
		const result = results.find((one) => one.id === id);
		if (result?.status !== "broken") return [`${id} is ${result?.status ?? "not run"}: nobody rejected it`];
		if (result.promise !== check.promise) return [`${id} names another promise than its own: ${result.promise}`];
		return because.test(result.reason ?? "") ? [] : [`${id} rejected it for another reason: ${result.reason}`];
	});
	return rejectedBy.length === 0 ? ["no check is named for it"] : problems;
}

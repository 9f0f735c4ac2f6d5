// Hangs the checks on a test runner. Which one is the caller's business: vitest and node:test both fit.
import type { CheckResult } from "./check.ts";
import type { Harness } from "./harness.ts";
import { type CheckOptions, selectChecks, startRun } from "./run-checks.ts";

export interface TestRunner {
	describe(title: string, body: () => void): unknown;
	it(title: string, test: (context: { skip(reason: string): unknown }) => Promise<void>, timeoutMs?: number): unknown;
}

/** A test waits until its check's turn has come, and each check ends by itself. */
const LIMIT_MS = 1_200_000;

/**
 * Declares one test for each check. The checks run side by side from the moment the first test starts, each on topics
 * and groups of its own; a test only waits for its result. A check that needs a capability the driver declares absent
 * is skipped, with the reason.
 */
export function describeDriver(harness: Harness, runner: TestRunner, options: CheckOptions = {}): void {
	const checks = selectChecks(options);
	let run: ReturnType<typeof startRun> | undefined;
	runner.describe(`conformance of ${harness.name}`, () => {
		for (const check of checks) {
			const title = `${check.id}: ${check.promise}`;
			runner.it(
				title,
				async (context) => {
					run ??= startRun(harness, checks, options);
					const result = await run.result(check);
					if (result.status === "unsupported") context.skip(`unsupported: ${result.reason}`);
					if (result.status === "broken") throw new Error(brokenText(result, run.seed), { cause: result.error });
				},
				LIMIT_MS,
			);
		}
		runner.it("ends in good order", async () => await run?.ended, LIMIT_MS);
	});
}

function brokenText({ id, reason }: CheckResult, seed: string): string {
	return `${id}: ${reason}\n(seed ${seed}; describeDriver(harness, runner, { seed: "${seed}", only: ["${id}"] }) runs it alone)`;
}

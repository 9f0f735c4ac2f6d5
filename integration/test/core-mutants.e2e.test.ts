// The kit against mutants of the real core, each in a process of its own: each is rejected by the check made for it.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type CheckResult, CHECKS, escapes } from "@polylog/conformance";
import { describe, expect, it } from "vitest";
import { mutated, type SourceMutation } from "../../scripts/source-mutation.ts";
import { MUTANTS } from "../src/mutants/mutants.ts";

const PROGRAM = join(import.meta.dirname, "../src/mutants/check-mutant.ts");

async function run(mutation: SourceMutation, checks: readonly string[]): Promise<CheckResult[]> {
	const { execArgv, env } = mutated(mutation);
	const child = spawn(process.execPath, [...execArgv, PROGRAM, ...checks], { env: { ...process.env, ...env } });
	const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
	if (out === "" || child.exitCode) throw new Error(errors);
	return JSON.parse(out) as CheckResult[];
}

describe("a core that", { concurrent: true }, () => {
	it.each(Object.entries(MUTANTS))("%s is rejected", { timeout: 240_000 }, async (_, { rejectedBy, ...mutant }) => {
		const results = await run(
			mutant,
			rejectedBy.map(([check]) => check),
		);
		expect(escapes(rejectedBy, results, CHECKS)).toEqual([]);
	});

	it("is not changed at all is kept by the same checks", { timeout: 240_000 }, async () => {
		const checks = [...new Set(Object.values(MUTANTS).flatMap(({ rejectedBy }) => rejectedBy.map(([check]) => check)))];
		const same = { file: "packages/core/src/murmur2.ts", find: "return h >>> 0;", replace: "return h >>> 0;" };
		const results = await run(same, checks);
		expect(results.filter(({ status }) => status !== "kept")).toEqual([]);
		expect(results).toHaveLength(checks.length);
	});
});

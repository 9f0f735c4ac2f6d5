// The simulator's own proof: every mutant of core is found, under the name of the invariant it breaks.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { mutated } from "../scripts/source-mutation.ts";
import { type Mutant, MUTANTS } from "./mutants.ts";

const PROGRAM = join(import.meta.dirname, "mutant-run.ts");
const SEEDS = 15;
const LIMIT_MS = 240_000;

async function find({ scenario = "", breaks, seeds = SEEDS, ...mutation }: Mutant): Promise<{ seed?: number; found: string[] }> {
	const { execArgv, env } = mutated(mutation);
	const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, PROGRAM, scenario, String(seeds), ...breaks], {
		env: { ...process.env, ...env },
		timeout: LIMIT_MS,
	});
	return JSON.parse(stdout) as { seed?: number; found: string[] };
}

describe("the simulator finds", () => {
	it.concurrent.each(MUTANTS.map((mutant): [string, Mutant] => [mutant.name, mutant]))(
		"%s",
		async (_, mutant) => {
			const { seed, found } = await find(mutant);
			expect(seed, `found only ${found.join()}`).toBeTypeOf("number");
			expect(mutant.breaks.some((invariant) => found.includes(invariant))).toBe(true);
		},
		LIMIT_MS,
	);
});

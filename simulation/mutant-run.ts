// Runs seeds of a plan, or of random ones, until an invariant breaks; started with a mutated core. Prints what it found.
import { makePlan } from "@polylog/testing/world";
import { planOf } from "./plan-of.ts";
import { runPlan } from "./run-seed.ts";

const [scenario = "", seeds = "10", ...breaks] = process.argv.slice(2);

const found = new Set<string>();
for (let seed = 1; seed <= Number(seeds); seed++) {
	const { violations } = await runPlan(scenario === "" ? makePlan(seed) : planOf(seed, scenario));
	for (const { invariant } of violations) found.add(invariant);
	if (breaks.some((invariant) => found.has(invariant))) {
		console.log(JSON.stringify({ seed, found: [...found] }));
		process.exit(0);
	}
}
console.log(JSON.stringify({ seed: undefined, found: [...found] }));

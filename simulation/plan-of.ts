import { makePlan, type Plan } from "@polylog/testing/world";
import { scenarios } from "./scenarios.ts";

/** One plan in so many has fail-overs that lose the tail of the journal and of topics. */
const LOSSES = 0.25;

/** The plan of a seed: a random one, or the named scenario's. RangeError for an unknown name. */
export function planOf(seed: number, scenario: string | undefined): Plan {
	if (scenario === undefined) return makePlan(seed, { losses: LOSSES });
	const make = scenarios.get(scenario);
	if (!make) throw new RangeError(`there is no scenario "${scenario}"; there are ${[...scenarios.keys()].join(", ")}`);
	return make(seed);
}

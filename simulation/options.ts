import { parseArgs } from "node:util";
import type { Cuts } from "@polylog/testing/world";

export const USAGE = `npm run simulate -- [--seeds N] [--seed S] [--workers K]
  --seeds N      run N seeds (default 1000), from --seed S or a fresh one; a failing one is shortened and told
  --seed S       without --seeds: run this one and print its trace
  --scenario X   the fixed scenario X instead of a random plan
  --faults 0,2   of a shortened plan: keep these faults      --members 0,1   keep these members
  --messages N   of a shortened plan: messages a producer    --calm          the network loses nothing
  --ci           the fixed seeds and scenarios, then fresh seeds`;

export interface SimulateOptions {
	readonly mode: "many" | "one" | "ci";
	readonly seeds: number;
	readonly seed: number | undefined;
	readonly scenario: string | undefined;
	readonly workers: number | undefined;
	readonly cuts: Cuts;
}

/** RangeError or TypeError, with what is wrong, for arguments that make no sense. */
export function readOptions(args: readonly string[]): SimulateOptions {
	const { values } = parseArgs({
		args: [...args],
		options: {
			seeds: { type: "string" },
			seed: { type: "string" },
			scenario: { type: "string" },
			workers: { type: "string" },
			faults: { type: "string" },
			members: { type: "string" },
			messages: { type: "string" },
			calm: { type: "boolean", default: false },
			ci: { type: "boolean", default: false },
		},
	});
	const seed = values.seed === undefined ? undefined : natural("--seed", values.seed);
	const cuts: Cuts = {
		...(values.faults === undefined ? {} : { faults: list("--faults", values.faults) }),
		...(values.members === undefined ? {} : { members: list("--members", values.members) }),
		...(values.messages === undefined ? {} : { messages: natural("--messages", values.messages) }),
		...(values.calm ? { calm: true } : {}),
	};
	const one = seed !== undefined && values.seeds === undefined;
	if (Object.keys(cuts).length > 0 && !one) throw new TypeError("--faults, --members, --messages and --calm go with one --seed");
	return {
		mode: values.ci ? "ci" : one ? "one" : "many",
		seeds: natural("--seeds", values.seeds ?? "1000"),
		seed,
		scenario: values.scenario,
		workers: values.workers === undefined ? undefined : natural("--workers", values.workers),
		cuts,
	};
}

/** The command that runs the same again. */
export function commandOf(seed: number, scenario: string | undefined, cuts: Cuts): string {
	const parts = [`npm run simulate -- --seed ${seed}`];
	if (scenario !== undefined) parts.push(`--scenario ${scenario}`);
	if (cuts.faults) parts.push(`--faults ${cuts.faults.join() || "none"}`);
	if (cuts.members) parts.push(`--members ${cuts.members.join()}`);
	if (cuts.messages !== undefined) parts.push(`--messages ${cuts.messages}`);
	if (cuts.calm) parts.push("--calm");
	return parts.join(" ");
}

function list(name: string, text: string): number[] {
	return text === "none" ? [] : text.split(",").map((item) => natural(name, item));
}

function natural(name: string, text: string): number {
	const value = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new RangeError(`${name} must be a whole number, not "${text}"`);
	return value;
}

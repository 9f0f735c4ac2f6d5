// The command line of `npm run bench`.
import { parseArgs } from "node:util";
import { BATCH, PARTITIONS } from "./contender.ts";

export const BROKERS = ["memory", "redis", "kafka", "rabbitmq"] as const;
export type BrokerName = (typeof BROKERS)[number];

export interface BenchOptions {
	readonly broker: BrokerName;
	/** A broker that runs already; without it one is started. */
	readonly url: string | undefined;
	/** For each measurement of a rate. */
	readonly messages: number;
	readonly echoes: number;
	readonly pairs: number;
	/** Unmeasured pairs before that, for the compiler. */
	readonly warmUps: number;
	/** Too small to say anything about speed: floors are not judged. */
	readonly quick: boolean;
	readonly write: boolean;
}

export const USAGE = `npm run bench -- --broker ${BROKERS.join("|")} [--url URL] [--messages N] [--pairs N] [--quick] [--write]

  --url URL      a broker that runs already; without it one is started
  --messages N   for each measurement of a rate; default 100000 (with --quick 4000)
  --pairs N      how often both are measured; default 5 (with --quick 1)
  --quick        a smoke run: floors are not judged
  --write        puts the figures into bench/RESULTS.md

Ends with 1 if a floor is missed.`;

/** Throws TypeError or RangeError with what is wrong. */
export function readOptions(args: readonly string[]): BenchOptions {
	const { values } = parseArgs({
		args: [...args],
		options: {
			broker: { type: "string" },
			url: { type: "string" },
			messages: { type: "string" },
			pairs: { type: "string" },
			quick: { type: "boolean", default: false },
			write: { type: "boolean", default: false },
		},
	});
	const broker = BROKERS.find((name) => name === values.broker);
	if (!broker) throw new RangeError(`--broker must be one of ${BROKERS.join(", ")}${values.broker ? `, not ${values.broker}` : ""}`);
	const { quick, write, url } = values;
	if (quick && write) throw new RangeError("the figures of a --quick run mean nothing: it cannot --write them");
	const least = PARTITIONS * BATCH;
	const messages = count("messages", values.messages, quick ? 2 * least : 100_000);
	return {
		broker,
		url,
		// Every partition's share is of whole batches.
		messages: Math.ceil(messages / least) * least,
		echoes: quick ? 20 : 500,
		pairs: count("pairs", values.pairs, quick ? 1 : 5),
		warmUps: quick ? 0 : 1,
		quick,
		write,
	};
}

function count(name: string, given: string | undefined, otherwise: number): number {
	const value = given === undefined ? otherwise : Number(given);
	if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} must be a positive whole number, not ${given}`);
	return value;
}

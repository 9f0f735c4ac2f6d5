// Runs an application's own handler in the simulated world, seed after seed, until its invariant breaks.
import type { Context, FailurePolicy, Message, RetryOptions, Topic } from "@polylog/core";
import { Application } from "./application.ts";
import type { Remote } from "./services.ts";
import { cutPlan, describeFault, EVERYDAY_FAULTS, type FaultKind, makePlan, type Plan, shorten } from "./world/index.ts";

/** What an invariant is told. */
export interface Observation<T, S> {
	/** The services themselves, not the handlers' remote view of them. */
	readonly services: S;
	/** The values that are known to be in the log, in the order in which the broker said so; all of them when `done`. */
	readonly stored: readonly T[];
	/** Everything was sent, processed and committed: nothing more will happen. */
	readonly done: boolean;
}

export interface SimulateOptions<T, S extends object> {
	readonly topic: Topic<T>;
	/** What is sent to the topic, in every seed, at times of the seed's choice. */
	readonly messages: readonly { readonly value: T; readonly key?: string }[];
	/** Made anew for every seed: the database and whatever else the handler changes. Every method call takes time. */
	readonly services: () => S;
	/** The handler under test. It must wait for nothing but its services, promises of the library and `context.pause`. */
	readonly handler: (message: Message<T>, services: Remote<S>, context: SimulatedContext) => unknown;
	/** Throws if something is wrong. Called after every call of a service, and once more when all is done. */
	readonly invariant: (observation: Observation<T, S>) => void;
	/** How many seeds are run. Default 200. */
	readonly seeds?: number;
	/** The first of them. Default 1, so that a test is the same every time. */
	readonly seed?: number;
	/** Default: 1 to 5, as the seed says; more join and leave in between. */
	readonly members?: number;
	/** Default: 1 to 6, as the seed says. */
	readonly partitions?: number;
	/** Default: as the seed says. */
	readonly sessionTimeoutMs?: number;
	/** How members run the handler; defaults of `RunOptions`. */
	readonly order?: "partition" | "key";
	readonly concurrency?: number;
	readonly retry?: RetryOptions;
	readonly onFailure?: FailurePolicy;
	/** What may happen. Default: crashes, pauses, cuts, outages, slow brokers, stalled handlers, rolling members, growth. */
	readonly faults?: readonly FaultKind[];
}

export interface SimulatedContext extends Context {
	/** Virtual milliseconds. */
	pause(ms: number): Promise<void>;
}

export interface SimulationFailure {
	readonly seed: number;
	/** What the invariant threw, or what else went wrong. */
	readonly error: unknown;
	/** The faults that it took, in words; as few as were found to do. */
	readonly faults: readonly string[];
	/** What happened, line by line, up to the breach. */
	readonly trace: readonly string[];
}

export interface SimulationReport {
	/** Seeds that were run. */
	readonly seeds: number;
	/** Calls of the handler, and how many of them were repeats of a message. */
	readonly handled: number;
	readonly repeated: number;
	readonly failure: SimulationFailure | undefined;
	/** Throws an error that tells the failure, if there is one. */
	assert(): void;
}

const SEEDS = 200;
const TRIES = 60;

/**
 * Runs the handler under a virtual clock with members that crash, stop, come and go, and a broker that is slow, away or
 * forgetful, at every point where the library or the handler waits. The same options and seed give the same run.
 * Stops at the first seed whose run breaks the invariant, and shortens it. Rejects only for options that make no sense.
 */
export async function simulate<T, S extends object>(options: SimulateOptions<T, S>): Promise<SimulationReport> {
	const { seed: first = 1, seeds = SEEDS } = options;
	if (!Number.isSafeInteger(seeds) || seeds < 1) throw new RangeError(`seeds must be a whole number of at least 1, not ${seeds}`);
	if (options.messages.length === 0) throw new RangeError("simulate needs messages: without any, no handler runs");
	let handled = 0;
	let repeated = 0;
	for (let seed = first; seed < first + seeds; seed++) {
		const plan = planFor(seed, options);
		const outcome = await new Application(plan, options).run();
		handled += outcome.handled;
		repeated += outcome.repeated;
		if (outcome.error !== undefined) return report(seed - first + 1, handled, repeated, await explain(plan, options));
	}
	return report(seeds, handled, repeated, undefined);
}

function planFor<T, S extends object>(seed: number, options: SimulateOptions<T, S>): Plan {
	const { members, partitions, sessionTimeoutMs, faults = EVERYDAY_FAULTS, messages, order = "partition" } = options;
	const given = {
		...(members === undefined ? {} : { members }),
		...(partitions === undefined ? {} : { partitions }),
		...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
	};
	return { ...makePlan(seed, { ...given, faults, messages: messages.length, order }), producers: 1, idempotent: true };
}

async function explain<T, S extends object>(plan: Plan, options: SimulateOptions<T, S>): Promise<SimulationFailure> {
	const fails = async (shorter: Plan) => (await new Application(shorter, options).run()).error !== undefined;
	const shorter = cutPlan(plan, await shorten(plan, fails, TRIES));
	const { error, trace } = await new Application(shorter, options).run();
	return { seed: plan.seed, error, trace, faults: shorter.faults.map(describeFault) };
}

function report(seeds: number, handled: number, repeated: number, failure: SimulationFailure | undefined): SimulationReport {
	return {
		seeds,
		handled,
		repeated,
		failure,
		assert() {
			if (failure) throw new Error(tell(failure), { cause: failure.error });
		},
	};
}

function tell({ seed, error, faults, trace }: SimulationFailure): string {
	const reason = error instanceof Error ? error.message : String(error);
	return [`seed ${seed}: ${reason}`, `with ${faults.join("; ") || "no fault at all"}`, ...trace.slice(-40)].join("\n");
}

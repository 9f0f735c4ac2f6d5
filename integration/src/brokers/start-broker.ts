// The one place that decides where a broker comes from.
import { engineAnswers, engineObstacle } from "./containers/engine.ts";
import { type BrokerKind, type BrokerOptions, type RunningBrokers, SERVERS } from "./servers.ts";

export type Via = "url" | "native" | "container";

/**
 * A running broker. Unless `via` says: one that the environment names (if the test needs none of its own: no other
 * options), else a container where an engine answers, else the machine's own program, installed on Debian by root after
 * saying so, else a container on an engine that the tests start. Rejects with what to do if there is none to be had.
 */
export async function startBroker<K extends BrokerKind>(
	kind: K,
	{ via, ...rest }: BrokerOptions[K] & { readonly via?: Via } = {},
): Promise<RunningBrokers[K]> {
	const { product, borrowed, native, container } = SERVERS[kind];
	// What is left of the options without `via` is the kind's own.
	const options = rest as BrokerOptions[K];
	const url = borrowed && process.env[borrowed.variable];
	const plain = Object.keys(rest).length === 0;
	const decided = via ?? decide({ url: Boolean(url), plain, engine: await engineAnswers(), ...(await obstacles(kind)) });
	if (decided === "container") return await container.start(options);
	if (decided === "native" && native) return await native.start(options);
	if (decided === "url" && borrowed && url) return await borrowed.start(borrowed.variable, url);
	throw new Error(decided instanceof Error ? decided.message : `${product} cannot be had from: ${decided}`);
}

export interface Obstacles {
	/** Why the machine's own program cannot be used; undefined if it can. */
	readonly native: string | undefined;
	readonly container: string | undefined;
}

export async function obstacles(kind: BrokerKind): Promise<Obstacles> {
	const { product, native } = SERVERS[kind];
	return {
		native: native ? native.obstacle() : `${product} is not run from a program of the machine`,
		container: await containerObstacle(),
	};
}

/** `POLYLOG_TEST_CONTAINERS=0` is for a quick run. */
export async function containerObstacle(): Promise<string | undefined> {
	return process.env["POLYLOG_TEST_CONTAINERS"] === "0" ? "POLYLOG_TEST_CONTAINERS is 0" : await engineObstacle();
}

interface Choice extends Obstacles {
	readonly url: boolean;
	/** Any broker of its kind will do. */
	readonly plain: boolean;
	/** A container engine answers that is not the tests' own. */
	readonly engine: boolean;
}

export function decide({ url, plain, engine, native, container }: Choice): Via | Error {
	if (url && plain) return "url";
	if (engine && container === undefined) return "container";
	if (native === undefined) return "native";
	if (container === undefined) return "container";
	return new Error(`no broker for the tests: ${native}; ${container}`);
}

// On which brokers a test file runs: one provider for each, whether or not it can be had.
import { covered } from "../coverage.ts";
import { SERVER_IMAGES } from "./containers/servers.ts";
import { type BrokerKind, type BrokerOptions, type RunningBrokers, SERVERS } from "./servers.ts";
import { obstacles, startBroker, type Via } from "./start-broker.ts";

export interface Provider<K extends BrokerKind = BrokerKind> {
	readonly kind: K;
	/** "Redis", for reports. */
	readonly product: string;
	readonly via: Via;
	/** "Redis, native", "Valkey 8.1, container". */
	readonly title: string;
	/** Why its tests are skipped. In CI nothing is: there `start` fails with the same reason. */
	readonly skip: string | undefined;
	/** A broker of its kind; with options one of the run's own, as for `startBroker`. */
	start(options?: BrokerOptions[K]): Promise<RunningBrokers[K]>;
}

/**
 * For `describe.each(await providers("redis", "valkey"))("on $title", (provider) => …)`: for each kind the older
 * version, natively (or the one that the environment names), and the newer one in a container.
 */
export async function providers<K extends BrokerKind>(...kinds: readonly K[]): Promise<Provider<K>[]> {
	return (await Promise.all(kinds.map(providersOf))).flat();
}

async function providersOf<K extends BrokerKind>(kind: K): Promise<Provider<K>[]> {
	const { product, borrowed } = SERVERS[kind];
	const obstacle = await obstacles(kind);
	const skipUnless = (why: string | undefined) => (isCi() ? undefined : why);
	const start = (via: Via) => async (options?: BrokerOptions[K]) => {
		const why = via === "url" ? undefined : obstacle[via];
		if (why !== undefined) throw new Error(`no ${product} for the tests: ${why}`);
		return await startBroker(kind, { ...(options as BrokerOptions[K]), via });
	};
	const all: Provider<K>[] = [];
	if (borrowed && process.env[borrowed.variable]) {
		// Tests that need a server of their own get one that is decided as always.
		const startOwn = (options?: BrokerOptions[K]) => startBroker(kind, options);
		all.push({ kind, product, via: "url", title: `${product}, ${borrowed.variable}`, skip: undefined, start: startOwn });
	} else if (SERVERS[kind].native && (obstacle.native === undefined || kind !== "valkey")) {
		all.push({ kind, product, via: "native", title: `${product}, native`, skip: skipUnless(obstacle.native), start: start("native") });
	}
	if (!covered().has("containers")) return all;
	const title = `${product} ${SERVER_IMAGES[kind].series}, container`;
	all.push({ kind, product, via: "container", title, skip: skipUnless(obstacle.container), start: start("container") });
	return all;
}

/** There what cannot be had is a failure. */
export function isCi(): boolean {
	return !["", "0", "false", undefined].includes(process.env["CI"]);
}

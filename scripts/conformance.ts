// `npm run conformance -- --broker redis`: the conformance kit on a URL, or on a broker that it starts as the tests do.
// `-- --write redis` keeps the report in docs/conformance, from which docs/guarantees.md is generated.
import { join } from "node:path";
import { type CommandLine, type Harness, harnessOf, parseCommandLine, runAndPrint, UsageError } from "@polylog/conformance";
import { parseBackendUrl } from "@polylog/core/testing";
import type { RunningBroker } from "../integration/src/brokers/broker.ts";
import { endRun } from "../integration/src/brokers/containers/engine.ts";
import { beginRun } from "../integration/src/brokers/containers/run.ts";
import { startKafkaCluster } from "../integration/src/brokers/kafka-cluster.ts";
import { type NodePlace, startNodeNetwork } from "../integration/src/brokers/node-network.ts";
import { startRabbitmqCluster } from "../integration/src/brokers/rabbitmq-cluster.ts";
import { redisGroups } from "../integration/src/brokers/redis-groups.ts";
import { type BrokerKind, SERVERS } from "../integration/src/brokers/servers.ts";
import { startBroker, type Via } from "../integration/src/brokers/start-broker.ts";
import { withLock } from "../integration/src/brokers/lock.ts";
import { ROOT } from "./packages.ts";

const KINDS = Object.keys(SERVERS) as BrokerKind[];
const NAMED = new RegExp(`^(${KINDS.join("|")})(?:-(native|container))?$`);
const GROUP = /^redis-(cluster|sentinel)$/;
/** Three nodes, each on a network of its own: Linux and root. */
const CLUSTERS: Readonly<
	Record<string, { readonly product: string; readonly start: (places: readonly NodePlace[]) => Promise<RunningBroker> }>
> = {
	"kafka-cluster": { product: "Kafka", start: startKafkaCluster },
	"rabbitmq-cluster": { product: "RabbitMQ", start: startRabbitmqCluster },
};

const USAGE = `npm run conformance -- --broker BROKER [--seed SEED] [--only ID…] [--report FILE] [--server TEXT]
npm run conformance -- --write NAME [--seed SEED]

  --broker   a URL (memory:, redis://…), or a broker to start: memory, ${KINDS.join(", ")};
             NAME-native is the machine's own program, NAME-container the newer version;
             redis-cluster, redis-sentinel: several of the machine's own redis-server;
             kafka-cluster, rabbitmq-cluster: three nodes of the machine's own programs (Linux, root)
  --write    runs on that broker and keeps the report as docs/conformance/NAME.json; then run npm run generate
  --seed     repeats a run
  --only     ids of checks, or themes: commits, commits.visible
  --report   writes the report as JSON
  --server   the server's product and version, where BROKER is a URL`;

/** What runs, and how to say it again without a credential. */
interface Target {
	readonly harness: Harness;
	readonly command: string;
}

async function targetOf({ broker, server }: CommandLine): Promise<Target> {
	const command = `npm run conformance -- --broker`;
	if (broker === "memory" || broker.startsWith("memory:")) {
		const url = broker === "memory" ? "memory:" : broker;
		// The release line: reports of two patch levels do not differ.
		const server = `Node ${process.versions.node.split(".")[0]}`;
		return { harness: await harnessOf({ url }, { server }), command: `${command} ${broker}` };
	}
	const [, kind, via] = NAMED.exec(broker) ?? [];
	if (kind !== undefined) return { harness: await startNamed(kind as BrokerKind, via as Via | undefined), command: `${command} ${broker}` };
	const [, group] = GROUP.exec(broker) ?? [];
	if (group !== undefined) return { harness: await startGroup(group as "cluster" | "sentinel"), command: `${command} ${broker}` };
	const cluster = CLUSTERS[broker];
	if (cluster) return { harness: await startCluster(cluster), command: `${command} ${broker}` };
	if (!broker.includes(":")) throw new UsageError(`there is no broker called ${broker}\n${USAGE}`);
	const harness = await harnessOf({ url: broker }, server === undefined ? {} : { server });
	return { harness, command: `${command} ${parseBackendUrl(broker).display}` };
}

async function startNamed(kind: BrokerKind, via: Via | undefined): Promise<Harness> {
	return await harnessOn(await startBroker(kind, via === undefined ? {} : { via }), SERVERS[kind].product);
}

async function startGroup(kind: "cluster" | "sentinel"): Promise<Harness> {
	const { [kind]: provider } = await redisGroups();
	if (provider.skip !== undefined) throw new UsageError(provider.skip);
	return await harnessOn(await provider.start(), provider.product);
}

async function startCluster({ product, start }: (typeof CLUSTERS)[string]): Promise<Harness> {
	const stack = new AsyncDisposableStack();
	try {
		const { places } = stack.use(await startNodeNetwork(3));
		const running = stack.use(await start(places));
		const server = `${product} ${running.version}, ${places.length} nodes`;
		return await harnessOf({ url: running.url }, { server, stop: () => stack.disposeAsync() });
	} catch (error) {
		await stack.disposeAsync();
		throw error;
	}
}

const harnessOn = (running: RunningBroker, product: string): Promise<Harness> =>
	harnessOf({ url: running.url }, { server: `${product} ${running.version}`, stop: () => running.dispose() });

/** `--write NAME` is `--broker NAME` with the report in its place. */
function spelledOut(args: readonly string[]): readonly string[] {
	const at = args.indexOf("--write");
	const name = args[at + 1];
	if (at === -1) return args;
	if (name === undefined || !(name in CLUSTERS || [/^memory$/, NAMED, GROUP].some((names) => names.test(name))))
		throw new UsageError(USAGE);
	if (args.includes("--only")) throw new UsageError("a report that is kept has all checks: --write and --only exclude each other");
	return [...args.slice(0, at), "--broker", name, "--report", join(ROOT, "docs/conformance", `${name}.json`), ...args.slice(at + 2)];
}

beginRun();
try {
	const line = parseCommandLine(spelledOut(process.argv.slice(2)), USAGE);
	const { harness, command } = await targetOf(line);
	const { seed, only, report } = line;
	const print = (text: string) => console.log(text);
	const options = { ...(seed === undefined ? {} : { seed }), ...(report === undefined ? {} : { report }), only, command, print };
	const { results } = await runAndPrint(harness, { ...options, exclusively: (check) => withLock("timing", check) });
	process.exitCode = results.some(({ status }) => status === "broken") ? 1 : 0;
} catch (error) {
	console.error(error instanceof UsageError ? error.message : error);
	process.exitCode = 2;
} finally {
	await endRun();
}

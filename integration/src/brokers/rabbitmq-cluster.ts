// Three RabbitMQ nodes, each on a network of its own. They stop serving where they are fewer than half (pause_minority).
import type { RunningBroker } from "./broker.ts";
import type { NodePlace } from "./node-network.ts";
import { allOf, startAll } from "./nodes.ts";
import { type RunningRabbitmqProcess, startRabbitmqProcess } from "./rabbitmq-process.ts";

/** Its methods act on all nodes; `nodes` have the same each for itself. */
export interface RunningRabbitmqCluster extends RunningBroker {
	readonly nodes: readonly RunningRabbitmqProcess[];
}

export interface RabbitmqClusterOptions {
	/** After which silence a node counts as gone, in s. Default: 15; RabbitMQ's own is 60. */
	readonly netTickTime?: number;
}

const PORTS = { port: 5672, distPort: 25_672, epmdPort: 4369 };

export const rabbitmqNodeName = (host: string): string => `rabbit@${host}`;

export async function startRabbitmqCluster(
	places: readonly NodePlace[],
	options: RabbitmqClusterOptions = {},
): Promise<RunningRabbitmqCluster> {
	const start = (place: NodePlace) => () => startNode(place, places, options);
	const [first, ...others] = places;
	if (!first) throw new RangeError("a cluster has nodes");
	// The others find it there: nodes that begin at the same time may make a cluster each.
	const [one] = await startAll([start(first)]);
	if (!one) throw new Error("it did not start");
	let rest: RunningRabbitmqProcess[];
	try {
		rest = await startAll(others.map(start));
	} catch (error) {
		await one.dispose();
		throw error;
	}
	const nodes = [one, ...rest];
	return {
		...allOf(nodes, async () => {}),
		nodes,
		url: `amqp://${nodes.map(({ host, port }) => `${host}:${port}`).join(",")}?replicas=${nodes.length}`,
		version: one.version,
		how: `${one.how}, ${nodes.length} nodes`,
		host: one.host,
		port: one.port,
	};
}

async function startNode(
	place: NodePlace,
	places: readonly NodePlace[],
	{ netTickTime = 15 }: RabbitmqClusterOptions,
): Promise<RunningRabbitmqProcess> {
	return await startRabbitmqProcess({
		address: { host: place.address, ...PORTS },
		nodeName: rabbitmqNodeName(place.address),
		longName: true,
		cookie: "polylog",
		configuration: [
			"cluster_formation.peer_discovery_backend = classic_config",
			...places.map(({ address }, at) => `cluster_formation.classic_config.nodes.${at + 1} = ${rabbitmqNodeName(address)}`),
			"cluster_partition_handling = pause_minority",
		],
		plugins: [],
		erlangArguments: `-kernel net_ticktime ${netTickTime}`,
		place,
	});
}

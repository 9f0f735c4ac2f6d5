// Three Kafka brokers, each its own controller too, every topic on all three: each on a network of its own.
import { join } from "node:path";
import type { RunningBroker } from "./broker.ts";
import { DEFAULT_KAFKA_VERSION } from "./kafka.ts";
import { kafkaJars } from "./kafka-jars.ts";
import { startKafkaProcess } from "./kafka-process.ts";
import { KAFKA_SETTINGS } from "./kafka-settings.ts";
import type { NodePlace } from "./node-network.ts";
import { allOf, startAll } from "./nodes.ts";

/** Its methods act on all nodes; `nodes` have the same each for itself. */
export interface RunningKafkaCluster extends RunningBroker {
	/** By their ids, which begin with 1. */
	readonly nodes: readonly RunningBroker[];
}

const PORT = 9092;
const CONTROLLER_PORT = 9093;
/** Three on a machine of two cores. */
const HEAP_MB = 384;

export async function startKafkaCluster(places: readonly NodePlace[]): Promise<RunningKafkaCluster> {
	const version = process.env["POLYLOG_TEST_KAFKA_VERSION"] ?? DEFAULT_KAFKA_VERSION;
	const classPath = join(await kafkaJars(version), "*");
	const nodes = await startAll(places.map((_, at) => () => startNode({ places, at, classPath, version })));
	const [first] = nodes;
	if (!first) throw new RangeError("a cluster has nodes");
	return {
		...allOf(nodes, async () => {}),
		nodes,
		url: `kafka://${nodes.map(({ host, port }) => `${host}:${port}`).join(",")}?replicationFactor=${nodes.length}&minInSyncReplicas=2`,
		version,
		how: `${first.how}, ${nodes.length} brokers`,
		host: first.host,
		port: first.port,
	};
}

interface Place {
	readonly places: readonly NodePlace[];
	readonly at: number;
	readonly classPath: string;
	readonly version: string;
}

async function startNode({ places, at, classPath, version }: Place): Promise<RunningBroker> {
	const place = places[at];
	if (!place) throw new RangeError(`no place for node ${at}`);
	const host = place.address;
	const server = await startKafkaProcess({
		classPath,
		properties: (folder) => properties(places, at, folder),
		host,
		port: PORT,
		heapMb: HEAP_MB,
		place,
	});
	return {
		url: `kafka://${host}:${PORT}`,
		version,
		how: "native (Kafka's jars from Maven)",
		host,
		port: PORT,
		...server.controls(),
	};
}

function properties(places: readonly NodePlace[], at: number, folder: string): Record<string, string> {
	const host = places[at]?.address;
	const listeners = `PLAINTEXT://${host}:${PORT}`;
	return {
		...KAFKA_SETTINGS,
		"process.roles": "broker,controller",
		"node.id": String(at + 1),
		"controller.quorum.voters": places.map(({ address }, i) => `${i + 1}@${address}:${CONTROLLER_PORT}`).join(","),
		listeners: `${listeners},CONTROLLER://${host}:${CONTROLLER_PORT}`,
		"advertised.listeners": listeners,
		"controller.listener.names": "CONTROLLER",
		"inter.broker.listener.name": "PLAINTEXT",
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs": join(folder, "data"),
		"offsets.topic.replication.factor": "3",
		"transaction.state.log.replication.factor": "3",
		"transaction.state.log.min.isr": "2",
		"share.coordinator.state.topic.replication.factor": "3",
		"share.coordinator.state.topic.min.isr": "2",
		"min.insync.replicas": "2",
	};
}

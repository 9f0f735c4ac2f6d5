// Starts the clusters that the suite hurts.
import { connect, silentLog } from "@polylog/core";
import { startKafkaCluster } from "../src/brokers/kafka-cluster.ts";
import { type NodeNetwork, startNodeNetwork } from "../src/brokers/node-network.ts";
import { MASTERS, startRedisCluster } from "../src/brokers/redis-cluster.ts";
import { networked } from "./clusters.ts";
import { coordinatorPartition, inStep, kafkaLayout } from "./kafka-layout.ts";
import type { Server } from "./servers.ts";
import { until } from "./waiting.ts";

export const CLUSTERS = ["redis", "kafka"] as const;
export type ClusterKind = (typeof CLUSTERS)[number];

const SIZES: Readonly<Record<ClusterKind, number>> = { redis: 9, kafka: 3 };
const STARTS: Readonly<Record<ClusterKind, (network: NodeNetwork) => Promise<Server>>> = { redis, kafka };

export async function startCluster(kind: ClusterKind): Promise<Server> {
	const network = await startNodeNetwork(SIZES[kind]);
	try {
		const server = await STARTS[kind](network);
		return {
			...server,
			async [Symbol.asyncDispose]() {
				await server[Symbol.asyncDispose]();
				await network[Symbol.asyncDispose]();
			},
		};
	} catch (error) {
		await network[Symbol.asyncDispose]();
		throw error;
	}
}

const roadless: Pick<Server, "road" | "release"> = {
	road: () => Promise.reject(new Error("a cluster has no road to spoil")),
	release: () => {},
};

/** As in shared/clusters.md; Redis' own default is 15 s, and a failover takes as long. */
const NODE_TIMEOUT_MS = 3000;

async function redis(network: NodeNetwork): Promise<Server> {
	const replicas = SIZES.redis / MASTERS - 1;
	const broker = await startRedisCluster({ nodeTimeoutMs: NODE_TIMEOUT_MS, replicas, places: network.places });
	return {
		...roadless,
		backend: "redis",
		version: `Redis ${broker.version}, ${MASTERS} masters with ${replicas} replicas each`,
		url: broker.url,
		process: broker,
		cluster: {
			...networked(network),
			nodes: broker.nodes,
			leaderOfGroup: (group) => broker.masterOf(`polylog:{group:${group}}:journal`),
			leaderOfPartition: (topic, index) => broker.masterOf(`{${topic}:${index}}`),
			settled: () => broker.settled(),
		},
		[Symbol.asyncDispose]: () => broker.dispose(),
	};
}

const SETTLED_MS = 120_000;

async function kafka(network: NodeNetwork): Promise<Server> {
	const broker = await startKafkaCluster(network.places);
	const { nodes } = broker;
	const url = `${broker.url}?replicationFactor=${nodes.length}&minInSyncReplicas=2`;
	const client = await connect({ url, log: silentLog, clientId: "suite" });
	const leaderOf = async (topic: string, index: number, asked: number) => {
		const found = (await kafkaLayout(client, asked + 1, [topic])).find((partition) => partition.index === index);
		const leader = nodes[(found?.leader ?? 0) - 1];
		if (!leader) throw new Error(`nobody leads ${topic}/${index}`);
		return leader;
	};
	return {
		...roadless,
		backend: "kafka",
		version: `Kafka ${broker.version}, ${nodes.length} brokers`,
		url,
		process: broker,
		cluster: {
			...networked(network),
			nodes,
			leaderOfGroup: (group, except) => leaderOf("__consumer_offsets", coordinatorPartition(group), except === nodes[0] ? 1 : 0),
			leaderOfPartition: (topic, index) => leaderOf(topic, index, 0),
			settled: () =>
				until(
					async () =>
						(
							await Promise.all(
								nodes.map((_, at) =>
									kafkaLayout(client, at + 1)
										.then(inStep(nodes.length))
										.catch(() => false),
								),
							)
						).every(Boolean),
					"all replicas are in step",
					SETTLED_MS,
				),
		},
		async [Symbol.asyncDispose]() {
			await client.close({ deadlineMs: 1000 });
			await broker.dispose();
		},
	};
}

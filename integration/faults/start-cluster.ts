// Starts the clusters that the suite hurts.
import { connect, silentLog } from "@polylog/core";
import { startKafkaCluster } from "../src/brokers/kafka-cluster.ts";
import { type NodeNetwork, startNodeNetwork } from "../src/brokers/node-network.ts";
import { rabbitmqNodeName, startRabbitmqCluster } from "../src/brokers/rabbitmq-cluster.ts";
import { MASTERS, startRedisCluster } from "../src/brokers/redis-cluster.ts";
import { networked, type Node } from "./clusters.ts";
import { coordinatorPartition, inStep, kafkaLayout } from "./kafka-layout.ts";
import type { Server } from "./servers.ts";
import { delay, until } from "./waiting.ts";

export const CLUSTERS = ["redis", "rabbitmq", "kafka"] as const;
export type ClusterKind = (typeof CLUSTERS)[number];

const SIZES: Readonly<Record<ClusterKind, number>> = { redis: 9, rabbitmq: 3, kafka: 3 };
const STARTS: Readonly<Record<ClusterKind, (network: NodeNetwork) => Promise<Server>>> = { redis, rabbitmq, kafka };

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
/** Until a RabbitMQ node that is back has found out that it was away. */
const NOTICE_MS = 5000;

async function rabbitmq(network: NodeNetwork): Promise<Server> {
	const broker = await startRabbitmqCluster(network.places);
	const { nodes } = broker;
	/** Of each stream, by name, as one node sees it: who leads it, and how many replicas run. */
	const streams = async (asked: (typeof nodes)[number] | undefined) => {
		const table = (await asked?.control("-q", "--timeout", "10", "list_queues", "--no-table-headers", "name", "leader", "online")) ?? "";
		return table.split("\n").flatMap((line) => {
			const [name = "", leader = "", online = ""] = line.split("\t");
			return name === "" ? [] : [{ name, leader, online: online.split(",").filter(Boolean).length }];
		});
	};
	const leaderOf = async (stream: string, except?: Node) => {
		const found = (await streams(nodes.find((node) => node !== except))).find(({ name }) => name === stream);
		const leader = nodes.find(({ host }) => rabbitmqNodeName(host) === found?.leader);
		if (!leader) throw new Error(`nobody leads ${stream}`);
		return leader;
	};
	const whole = async () => {
		const views = await Promise.all(nodes.map((node) => streams(node).catch(() => undefined)));
		return views.every((view) => view?.every(({ online }) => online === nodes.length));
	};
	const settled = () => until(whole, "all replicas run", SETTLED_MS);
	return {
		...roadless,
		backend: "rabbitmq",
		version: `RabbitMQ ${broker.version}, ${nodes.length} nodes`,
		url: broker.url,
		process: broker,
		cluster: {
			...networked(network),
			nodes,
			leaderOfGroup: (group, except) => leaderOf(`__polylog.group.${group}`, except),
			leaderOfPartition: (topic, index, except) => leaderOf(`${topic}-${index}`, except),
			settled,
			// A node that wakes up among its peers was never in a minority, so it does not pause, and is not let in again either.
			async mend(node) {
				await delay(NOTICE_MS);
				const counts = nodes.map((each) => each.control("-q", "eval", "length(mnesia:system_info(running_db_nodes))."));
				if ((await Promise.all(counts)).every((count) => Number(count) === nodes.length)) return undefined;
				await node.restart();
				await settled();
				return "it was not let in by the others until it was restarted by hand";
			},
		},
		[Symbol.asyncDispose]: () => broker.dispose(),
	};
}

async function kafka(network: NodeNetwork): Promise<Server> {
	const broker = await startKafkaCluster(network.places);
	const { nodes } = broker;
	const client = await connect({ url: broker.url, log: silentLog, clientId: "suite" });
	const leaderOf = async (topic: string, index: number, except?: Node) => {
		const asked = nodes.findIndex((node) => node !== except);
		const found = (await kafkaLayout(client, asked + 1, [topic])).find((partition) => partition.index === index);
		const leader = nodes[(found?.leader ?? 0) - 1];
		if (!leader) throw new Error(`nobody leads ${topic}/${index}`);
		return leader;
	};
	return {
		...roadless,
		backend: "kafka",
		version: `Kafka ${broker.version}, ${nodes.length} brokers`,
		url: broker.url,
		process: broker,
		cluster: {
			...networked(network),
			nodes,
			leaderOfGroup: (group, except) => leaderOf("__consumer_offsets", coordinatorPartition(group), except),
			leaderOfPartition: leaderOf,
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

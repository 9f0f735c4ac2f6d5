// The clusters under test: nodes on one machine, each on a network of its own, so that they can be cut from their peers.
import type { RunningBroker } from "../src/brokers/broker.ts";
import { MASTERS, startRedisCluster } from "../src/brokers/redis-cluster.ts";
import { type NodePlace, startNodeNetwork } from "../src/brokers/node-network.ts";
import type { Server } from "./servers.ts";

export const CLUSTERS = ["redis"] as const;
export type ClusterKind = (typeof CLUSTERS)[number];

export type Node = RunningBroker;

export interface Cluster {
	/** Those that can be killed, frozen and cut; on Redis the masters as they began, then the replicas. */
	readonly nodes: readonly Node[];
	/** Of the group's journal, on Kafka its coordinator. */
	leaderOfGroup(group: string): Promise<Node>;
	leaderOfPartition(topic: string, index: number): Promise<Node>;
	/** All nodes serve, and replicas have what leaders have. */
	settled(): Promise<void>;
	/** Cuts the node from its peers, both ways and without a word; clients reach it still, unless they are to be on the other side too. */
	cut(node: Node, options?: { readonly clientsToo: boolean }): Promise<void>;
	heal(): Promise<void>;
	/** Where a process is to run that shares the node's fate when the network is cut. */
	placeOf(node: Node): NodePlace;
}

const STARTS: Readonly<Record<ClusterKind, () => Promise<Server>>> = { redis };

export async function startCluster(kind: ClusterKind): Promise<Server> {
	return await STARTS[kind]();
}

const REPLICAS = 2;
/** As in shared/clusters.md; Redis' own default is 15 s, and a failover takes as long. */
const NODE_TIMEOUT_MS = 3000;

async function redis(): Promise<Server> {
	const network = await startNodeNetwork(MASTERS * (1 + REPLICAS));
	const { places } = network;
	const broker = await startRedisCluster({ nodeTimeoutMs: NODE_TIMEOUT_MS, replicas: REPLICAS, places });
	const placeOf = ({ host }: Node) => placeAt(places, host);
	return {
		backend: "redis",
		version: `Redis ${broker.version}, ${MASTERS} masters with ${REPLICAS} replicas each`,
		url: broker.url,
		process: broker,
		cluster: {
			nodes: broker.nodes,
			leaderOfGroup: (group) => broker.masterOf(`polylog:{group:${group}}:journal`),
			leaderOfPartition: (topic, index) => broker.masterOf(`{${topic}:${index}}`),
			settled: () => broker.settled(),
			cut: (node, options) => network.cut(placeOf(node), options),
			heal: () => network.heal(),
			placeOf,
		},
		road: () => Promise.reject(new Error("a cluster has no road to spoil")),
		release: () => {},
		async [Symbol.asyncDispose]() {
			await broker.dispose();
			await network[Symbol.asyncDispose]();
		},
	};
}

function placeAt(places: readonly NodePlace[], address: string): NodePlace {
	const place = places.find((known) => known.address === address);
	if (!place) throw new Error(`no node is at ${address}`);
	return place;
}

/** The same servers, this one named first: a client that asks one after the other begins with it. */
export function urlFrom(url: string, first: number): string {
	const [, scheme = "", hosts = "", rest = ""] = /^([^:]+:\/\/)([^/?]+)(.*)$/.exec(url) ?? [];
	const all = hosts.split(",");
	const at = first % all.length;
	return `${scheme}${[...all.slice(at), ...all.slice(0, at)].join(",")}${rest}`;
}

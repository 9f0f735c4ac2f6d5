// A Redis Cluster of the machine's own redis-server: three masters with replicas, all on 127.0.0.1 or each on a network
// of its own.
import type { RunningBroker } from "./broker.ts";
import type { NodePlace } from "./node-network.ts";
import { freePort } from "./port.ts";
import { redisCommand, redisSetup, until } from "./redis-command.ts";
import { allOf, startAll } from "./nodes.ts";
import { type RunningRedis, startNativeRedis } from "./redis.ts";

export interface RedisClusterOptions {
	/** After which silence a node counts as failed. Default: 5000, since a busy machine holds one up for a second or two. */
	readonly nodeTimeoutMs?: number;
	/** Of each master. Default: 1. */
	readonly replicas?: number;
	/** More of redis-server's own settings, for every node. */
	readonly settings?: readonly string[];
	/** One for each node, `MASTERS * (1 + replicas)`. Default: all on 127.0.0.1. */
	readonly places?: readonly NodePlace[];
}

export const MASTERS = 3;
/** Its methods act on all nodes; `nodes` have the same each for itself. */
export interface RunningRedisCluster extends RunningBroker {
	/** Three masters, then their replicas, as they began; a failover exchanges them. */
	readonly nodes: readonly RunningRedis[];
	/** The node that serves the key's slot now, as the other nodes see it. */
	masterOf(key: string): Promise<RunningRedis>;
	/** Every slot is served, every replica follows, and every node says so. */
	settled(): Promise<void>;
}

const SLOTS = 16_384;
const READY_MS = 60_000;

interface Node extends RunningRedis {
	readonly busPort: number;
}

export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RunningRedisCluster> {
	const { replicas = 1 } = options;
	const nodes = await startAll(Array.from({ length: MASTERS * (1 + replicas) }, (_, at) => () => startNode(options, options.places?.[at])));
	const all = allOf(nodes, () => settled(nodes));
	try {
		await makeCluster(nodes);
	} catch (error) {
		await all.dispose();
		throw error;
	}
	const [first] = nodes;
	if (!first) throw new Error("a cluster has nodes");
	return {
		...all,
		nodes,
		masterOf: (key) => masterOf(nodes, key),
		settled: () => settled(nodes),
		url: `redis+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(",")}`,
		version: first.version,
		how: `${first.how}, ${MASTERS} masters with ${replicas} ${replicas === 1 ? "replica" : "replicas"} each`,
		host: first.host,
		port: first.port,
	};
}

async function startNode({ nodeTimeoutMs = 5000, settings = [] }: RedisClusterOptions, place: NodePlace | undefined): Promise<Node> {
	const busPort = await freePort();
	const clustered = [
		["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", String(nodeTimeoutMs)],
		// A replica always may take over, and the slots of others are served while some are not.
		["--cluster-replica-validity-factor", "0", "--cluster-require-full-coverage", "no"],
		["--appendfsync", "no", "--repl-diskless-sync-delay", "0"],
		// Its clients are not on its own machine, as it sees it.
		place ? ["--protected-mode", "no"] : [],
	];
	const node = await startNativeRedis("redis", { settings: [...clustered.flat(), ...settings] }, place);
	return { ...node, busPort };
}

async function makeCluster(nodes: readonly Node[]): Promise<void> {
	const [first, ...others] = nodes;
	if (!first) return;
	for (const [at, node] of nodes.entries()) await redisSetup(node, "CLUSTER", "SET-CONFIG-EPOCH", String(at + 1));
	for (const [at, node] of nodes.slice(0, MASTERS).entries()) {
		const from = Math.floor((at * SLOTS) / MASTERS);
		await redisSetup(node, "CLUSTER", "ADDSLOTSRANGE", String(from), String(Math.floor(((at + 1) * SLOTS) / MASTERS) - 1));
	}
	for (const { host, port, busPort } of others) await redisSetup(first, "CLUSTER", "MEET", host, String(port), String(busPort));
	await until("the nodes meet", READY_MS, async () => (await knownTo(nodes)).every((known) => known === nodes.length));
	for (const [at, node] of nodes.slice(MASTERS).entries()) {
		const master = nodes[at % MASTERS];
		if (master) await redisSetup(node, "CLUSTER", "REPLICATE", await redisSetup(master, "CLUSTER", "MYID"));
	}
	await settled(nodes);
}

async function knownTo(nodes: readonly Node[]): Promise<number[]> {
	const lists = await Promise.all(nodes.map((node) => redisCommand(node, "CLUSTER", "NODES")));
	return lists.map((list) => list.split("\n").filter((line) => !/handshake|noaddr/.test(line)).length);
}

async function settled(nodes: readonly Node[]): Promise<void> {
	await until("the cluster is settled", READY_MS, async () => {
		const states = await Promise.all(
			nodes.map(async (node) => ({
				state: await redisCommand(node, "CLUSTER", "INFO"),
				role: await redisCommand(node, "INFO", "replication"),
			})),
		);
		const masters = states.filter(({ role }) => role.includes("role:master"));
		const followed = states.filter(({ role }) => role.includes("master_link_status:up"));
		const whole = states.every(({ state }) => state.includes("cluster_state:ok") && state.includes(`cluster_slots_ok:${SLOTS}`));
		return whole && masters.length === MASTERS && followed.length === nodes.length - MASTERS;
	});
}

/** Asked of all, since a node that was cut off has an older opinion: the newest epoch counts. */
async function masterOf(nodes: readonly Node[], key: string): Promise<RunningRedis> {
	const slot = await Promise.any(nodes.map(async (node) => await redisCommand(node, "CLUSTER", "KEYSLOT", key)));
	const opinions = await Promise.all(nodes.map((node) => redisCommand(node, "CLUSTER", "NODES").catch(() => "")));
	const claims = opinions.flatMap((opinion) => opinion.split("\n").flatMap((line) => ownerIn(line, Number(slot)) ?? []));
	const newest = claims.toSorted((a, b) => b.epoch - a.epoch)[0];
	const node = nodes.find(({ host, port }) => `${host}:${port}` === newest?.address);
	if (!node) throw new Error(`no node serves the key ${key}`);
	return node;
}

function ownerIn(line: string, slot: number): { readonly address: string; readonly epoch: number } | undefined {
	const [, where = "", flags = "", , , , epoch = "0", , ...ranges] = line.split(" ");
	const serves = ranges.some((range) => {
		const [from = Number.NaN, to = from] = range.split("-").map(Number);
		return from <= slot && slot <= to;
	});
	if (!serves || !flags.includes("master")) return undefined;
	return { address: where.split("@")[0] ?? "", epoch: Number(epoch) };
}

// A Redis primary with replicas, and three sentinels that watch them: the machine's own redis-server, all on 127.0.0.1.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningBroker } from "./broker.ts";
import { ChildServer } from "./child-server.ts";
import { findProgram } from "./debian.ts";
import { freePort } from "./port.ts";
import { pairsOf, redisCommand, until } from "./redis-command.ts";
import { allOf, startAll } from "./nodes.ts";
import { redisAnswers } from "./redis-server.ts";
import { type RunningRedis, startNativeRedis } from "./redis.ts";

export interface RedisSentinelOptions {
	/** Default: 1. */
	readonly replicas?: number;
	/** After which silence a sentinel calls a server down. Default: 4000, since a busy machine holds one up for a second or two. */
	readonly downAfterMs?: number;
	/** More of redis-server's own settings, for the primary and its replicas. */
	readonly settings?: readonly string[];
}

/** Its methods act on all servers and sentinels; `nodes` and `sentinels` have the same each for itself. */
export interface RunningRedisSentinel extends RunningBroker {
	/** The primary, then its replicas, as they began; a failover exchanges them. */
	readonly nodes: readonly RunningRedis[];
	readonly sentinels: readonly Sentinel[];
	/** The node that most sentinels call the primary now. */
	primary(): Promise<RunningRedis>;
	/** The node that all of them call so; undefined while they differ, as for a moment after a failover. */
	agreedPrimary(): Promise<RunningRedis | undefined>;
}

export type Sentinel = Omit<RunningBroker, "url">;

const NAME = "mymaster";
const SENTINELS = 3;
const HOST = "127.0.0.1";
const START_MS = 15_000;
const READY_MS = 60_000;
/** After twice as long a failover that did not succeed is tried again. */
const FAILOVER_MS = 5000;

export async function startRedisSentinel(options: RedisSentinelOptions = {}): Promise<RunningRedisSentinel> {
	const { replicas = 1, downAfterMs = 4000, settings = [] } = options;
	const common = ["--appendfsync", "no", "--repl-diskless-sync-delay", "0", ...settings];
	const first = await startNativeRedis("redis", { settings: common });
	const stack = new AsyncDisposableStack();
	stack.use(first);
	try {
		const follow = ["--replicaof", first.host, String(first.port)];
		const followers = await startAll(
			Array.from({ length: replicas }, () => () => startNativeRedis("redis", { settings: [...follow, ...common] })),
		);
		for (const node of followers) stack.use(node);
		const sentinels = await startAll(Array.from({ length: SENTINELS }, () => () => startSentinel(first, downAfterMs)));
		for (const sentinel of sentinels) stack.use(sentinel);
		const nodes = [first, ...followers];
		await settled(sentinels, nodes);
		return {
			...allOf([...nodes, ...sentinels], () => settled(sentinels, nodes)),
			nodes,
			sentinels,
			primary: () => primaryOf(sentinels, nodes),
			async agreedPrimary() {
				const { node, votes } = await mostVoted(sentinels, nodes);
				return votes === sentinels.length ? node : undefined;
			},
			url: `redis+sentinel://${sentinels.map(({ host, port }) => `${host}:${port}`).join(",")}/${NAME}/0`,
			version: first.version,
			how: `${first.how}, ${replicas + 1} nodes and ${SENTINELS} sentinels`,
			host: first.host,
			port: first.port,
		};
	} catch (error) {
		await stack.disposeAsync();
		throw error;
	}
}

async function startSentinel(primary: RunningRedis, downAfterMs: number): Promise<Sentinel> {
	const port = await freePort();
	const command = findProgram("redis-server") ?? "redis-server";
	let version = "unknown";
	const server = await ChildServer.start({
		name: "sentinel",
		command,
		arguments: (folder) => [sentinelFile(folder, port, primary, downAfterMs), "--sentinel"],
		async ready() {
			version = await redisAnswers(HOST, port, START_MS);
		},
	});
	return {
		version,
		how: `native (${command})`,
		host: HOST,
		port,
		...server.controls(),
	};
}

/** A sentinel keeps what it learns in its file, so it is written once. */
function sentinelFile(folder: string, port: number, primary: RunningRedis, downAfterMs: number): string {
	const file = join(folder, "sentinel.conf");
	if (existsSync(file)) return file;
	const lines = [
		`port ${port}`,
		`bind ${HOST}`,
		`dir ${folder}`,
		`sentinel monitor ${NAME} ${primary.host} ${primary.port} 2`,
		`sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
		`sentinel failover-timeout ${NAME} ${FAILOVER_MS}`,
	];
	writeFileSync(file, `${lines.join("\n")}\n`);
	return file;
}

/** The sentinels know each other and the replicas, and all of these follow one primary. */
async function settled(sentinels: readonly Sentinel[], nodes: readonly RunningRedis[]): Promise<void> {
	await until("the sentinels are settled", READY_MS, async () => {
		const states = await Promise.all(sentinels.map(async (sentinel) => pairsOf(await redisCommand(sentinel, "SENTINEL", "MASTER", NAME))));
		const agreed = states.every(
			(state) =>
				state.get("flags") === "master" &&
				Number(state.get("num-slaves")) >= nodes.length - 1 &&
				Number(state.get("num-other-sentinels")) === sentinels.length - 1,
		);
		const primary = await primaryOf(sentinels, nodes);
		const roles = await Promise.all(nodes.map(async (node) => ({ node, role: await redisCommand(node, "INFO", "replication") })));
		return agreed && roles.every(({ node, role }) => role.includes(node === primary ? "role:master" : "master_link_status:up"));
	});
}

async function primaryOf(sentinels: readonly Sentinel[], nodes: readonly RunningRedis[]): Promise<RunningRedis> {
	const { node, votes } = await mostVoted(sentinels, nodes);
	if (!node || votes === 0) throw new Error("no sentinel knows a primary");
	return node;
}

async function mostVoted(sentinels: readonly Sentinel[], nodes: readonly RunningRedis[]) {
	const answers = await Promise.all(
		sentinels.map((sentinel) => redisCommand(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME).catch(() => "")),
	);
	const votes = nodes.map((node) => answers.filter((answer) => answer.split("\n")[1] === String(node.port)).length);
	const most = Math.max(...votes);
	return { node: nodes[votes.indexOf(most)], votes: most };
}

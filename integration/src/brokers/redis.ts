// A Redis or Valkey that is a child process of the test, from the machine's own program, which on Debian is installed if need be.
import type { RunningBroker } from "./broker.ts";
import { borrowedBroker } from "./borrowed.ts";
import { ChildServer } from "./child-server.ts";
import { startContainer } from "./containers/container.ts";
import { findProgram, installFromDebian } from "./debian.ts";
import type { NodePlace } from "./node-network.ts";
import { freePort } from "./port.ts";
import { redisAnswers, redisArguments, type RedisServerOptions, redisUrl } from "./redis-server.ts";

export type RedisKind = "redis" | "valkey";

export interface RunningRedis extends RunningBroker {
	/** Where its replicas find it. */
	readonly peer: { readonly host: string; readonly port: number };
}

const READY_MS = 15_000;
/** A machine that starts several containers at once is slow. */
const CONTAINER_READY_MS = 60_000;
const PORT = 6379;

export async function startNativeRedis(kind: RedisKind, options: RedisServerOptions, place?: NodePlace): Promise<RunningRedis> {
	const program = `${kind}-server`;
	await installFromDebian(
		[program],
		() => !findProgram(program),
		`no ${program} for the tests: install it, or name a server in POLYLOG_TEST_${kind.toUpperCase()}_URL`,
	);
	const command = findProgram(program) ?? program;
	const peer = place ? { host: place.address, port: PORT } : { host: "127.0.0.1", port: await freePort() };
	let version = "unknown";
	const server = await ChildServer.start({
		name: kind,
		command,
		place,
		arguments: (folder) => redisArguments(options, { bind: peer.host, port: peer.port, folder }),
		environment: () => options.environment ?? {},
		async ready() {
			version = await redisAnswers(peer.host, peer.port, READY_MS, options.password);
		},
	});
	return {
		url: redisUrl(peer.host, peer.port, options.password),
		version,
		how: `native (${command})`,
		...peer,
		peer,
		...server.controls(),
	};
}

export async function startRedisContainer(kind: RedisKind, options: RedisServerOptions): Promise<RunningRedis> {
	return await startContainer({
		server: kind,
		port: PORT,
		command: [`${kind}-server`, ...redisArguments(options, { bind: "0.0.0.0", port: PORT, folder: "/data" }), "--protected-mode", "no"],
		ready: ({ host, port }) => redisAnswers(host, port, CONTAINER_READY_MS, options.password),
		url: ({ host, port }) => redisUrl(host, port, options.password),
	});
}

export async function borrowedRedis(variable: string, url: string): Promise<RunningRedis> {
	const { hostname: host, port: text, password } = new URL(url);
	const peer = { host, port: Number(text || PORT) };
	const version = await redisAnswers(peer.host, peer.port, READY_MS, password === "" ? undefined : decodeURIComponent(password));
	return { ...borrowedBroker(variable, { url, version, ...peer }), peer };
}

// Where tests get a Redis from: a URL in the environment, else the redis-server of this machine, else Debian's package.
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { promisify } from "node:util";
import type { RunningBroker } from "./broker.ts";
import { ChildServer } from "./child-server.ts";
import { freePort } from "./port.ts";

export interface RedisServerOptions {
	/**
	 * More of redis-server's own settings: `["--maxmemory", "10mb"]`. A broker from a URL cannot have them. Without
	 * any, `appendfsync` is `no`: then every reply follows its write(2), and a kill -9 loses nothing acknowledged. (With
	 * `everysec`, Redis' default, it does while an fsync is slow: packages/redis-streams/src/server-facts.ts.)
	 */
	readonly settings?: readonly string[];
	readonly password?: string;
	/** Default: true. */
	readonly appendOnly?: boolean;
	/** A server of this run's own, even if the environment names one: tests that kill it need that. Default: false. */
	readonly own?: boolean;
}

const URL_VARIABLE = "POLYLOG_TEST_REDIS_URL";
const READY_MS = 15_000;

/** A running Redis; rejects with what to do if there is none to be had, in CI too: a missing broker is no reason to skip. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RunningBroker> {
	const url = process.env[URL_VARIABLE];
	if (url && !options.own && !options.settings && options.password === undefined) return await borrowed(url);
	const command = await redisServerCommand();
	const version = /v=(\S+)/.exec((await promisify(execFile)(command, ["--version"])).stdout)?.[1] ?? "unknown";
	const port = await freePort();
	const { password, settings = [], appendOnly = true } = options;
	const server = await ChildServer.start({
		name: "redis",
		command,
		arguments: (folder) => [
			"--port",
			String(port),
			"--bind",
			"127.0.0.1",
			"--dir",
			folder,
			"--save",
			"",
			"--appendonly",
			appendOnly ? "yes" : "no",
			...(password === undefined ? [] : ["--requirepass", password]),
			...(settings.length === 0 ? ["--appendfsync", "no"] : settings),
		],
		ready: () => answersPing("127.0.0.1", port, READY_MS),
	});
	const credentials = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
	const broker: RunningBroker = {
		url: `redis://${credentials}127.0.0.1:${port}`,
		version,
		how: `${command} on this machine`,
		host: "127.0.0.1",
		port,
		start: () => server.start(),
		stop: () => server.stop(),
		kill: () => server.kill(),
		pause: () => server.signal("SIGSTOP"),
		resume: () => server.signal("SIGCONT"),
		async restart() {
			await server.stop();
			await server.start();
		},
		logs: () => server.logs(),
		dispose: () => server.dispose(),
		[Symbol.asyncDispose]: () => server.dispose(),
	};
	return broker;
}

async function borrowed(url: string): Promise<RunningBroker> {
	const { hostname, port } = new URL(url);
	const address = { host: hostname, port: Number(port || 6379) };
	await answersPing(address.host, address.port, READY_MS);
	const refuse = () => {
		throw new Error(`the Redis of ${URL_VARIABLE} is not this test's to stop; ask startRedis for one of its own`);
	};
	const nothing = async () => undefined;
	return {
		url,
		version: "unknown",
		how: URL_VARIABLE,
		...address,
		start: refuse,
		stop: refuse,
		kill: refuse,
		pause: refuse,
		resume: refuse,
		restart: refuse,
		logs: () => "",
		dispose: nothing,
		[Symbol.asyncDispose]: nothing,
	};
}

async function redisServerCommand(): Promise<string> {
	const installed = findOnPath("redis-server");
	if (installed) return installed;
	if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
		throw new Error(`no Redis for the tests: install redis-server (7.0 or later), or name a Redis in ${URL_VARIABLE}`);
	}
	console.log("polylog: no redis-server on this machine; installing Debian's with apt-get");
	const run = (...args: string[]) =>
		execFileSync("/usr/bin/apt-get", args, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
	run("update", "-q");
	run("install", "-y", "-q", "--no-install-recommends", "redis-server");
	const command = findOnPath("redis-server");
	if (!command) throw new Error("apt-get installed redis-server, but it is not on the PATH");
	return command;
}

function findOnPath(name: string): string | undefined {
	return (process.env["PATH"] ?? "")
		.split(":")
		.map((folder) => `${folder}/${name}`)
		.find((path) => existsSync(path));
}

/** PING on a plain socket: what answers is up, whether it says PONG, NOAUTH or, still loading, LOADING (then again). */
async function answersPing(host: string, port: number, withinMs: number): Promise<void> {
	const deadline = Date.now() + withinMs;
	let reply = "nothing";
	while (Date.now() < deadline) {
		reply = await ping(host, port);
		if (/^(\+PONG|-NOAUTH)/.test(reply)) return;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error(`Redis at ${host}:${port} did not come up within ${withinMs} ms; last answer: ${reply}`);
}

function ping(host: string, port: number): Promise<string> {
	return new Promise((resolve) => {
		const socket = connect({ host, port });
		const done = (reply: string) => {
			socket.destroy();
			resolve(reply);
		};
		socket.setTimeout(1000, () => done("no answer"));
		socket.once("error", (error) => done(error.message));
		socket.once("data", (data) => done(data.toString()));
		socket.write("PING\r\n");
	});
}

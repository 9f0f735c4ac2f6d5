// What a Redis (or Valkey) of the tests is started with, and how it says that it is up and which it is.
import { connect } from "node:net";

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
	/** Of a server that is a child process; one in a container does not get it. */
	readonly environment?: Readonly<Record<string, string>>;
	/** A server of this run's own, even if the environment names one: tests that kill it need that. Default: false. */
	readonly own?: boolean;
}

export interface RedisPlace {
	readonly bind: string;
	readonly port: number;
	readonly folder: string;
}

export function redisArguments({ settings = [], password, appendOnly = true }: RedisServerOptions, place: RedisPlace): string[] {
	return [
		["--port", String(place.port), "--bind", place.bind, "--dir", place.folder],
		["--save", "", "--appendonly", appendOnly ? "yes" : "no"],
		password === undefined ? [] : ["--requirepass", password],
		settings.length === 0 ? ["--appendfsync", "no"] : settings,
	].flat();
}

export function redisUrl(host: string, port: number, password?: string): string {
	return `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}${host}:${port}`;
}

const VERSION_MS = 10_000;

/** Waits until it serves (whether it says PONG or NOAUTH; LOADING is not yet); gives its version. */
export async function redisAnswers(host: string, port: number, withinMs: number, password?: string): Promise<string> {
	const deadline = Date.now() + withinMs;
	let reply = "nothing";
	while (Date.now() < deadline) {
		reply = await ask(host, port, "PING\r\n", (text) => text.includes("\r\n"));
		if (/^(\+PONG|-NOAUTH)/.test(reply)) return await versionOf(host, port, password);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error(`Redis at ${host}:${port} did not come up within ${withinMs} ms; last answer: ${reply}`);
}

async function versionOf(host: string, port: number, password: string | undefined): Promise<string> {
	const login = password === undefined ? "" : command("AUTH", password);
	const isWhole = (text: string) => /uptime_in_days:|-\w+ [^\r]*\r\n/.test(text);
	// Asked once: a busy server may take its time.
	return parseVersion(await ask(host, port, login + command("INFO", "server"), isWhole, VERSION_MS));
}

/** Valkey calls itself Redis 7.2 too, for old clients. */
export function parseVersion(info: string): string {
	return /^valkey_version:(\S+)/m.exec(info)?.[1] ?? /^redis_version:(\S+)/m.exec(info)?.[1] ?? "unknown";
}

function command(...words: readonly string[]): string {
	return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

function ask(host: string, port: number, request: string, isWhole: (reply: string) => boolean, withinMs = 1000): Promise<string> {
	return new Promise((resolve) => {
		const socket = connect({ host, port });
		let reply = "";
		const done = (text: string) => {
			socket.destroy();
			resolve(text);
		};
		socket.setTimeout(withinMs, () => done(reply || "no answer"));
		socket.once("error", (error) => done(error.message));
		socket.once("close", () => done(reply));
		socket.on("data", (data) => {
			reply += data.toString();
			if (isWhole(reply)) done(reply);
		});
		socket.write(request);
	});
}

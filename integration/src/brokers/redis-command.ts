// Commands to a Redis of the tests by redis-cli, which comes with redis-server: for setting up and looking at clusters.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

interface RedisAddress {
	readonly host: string;
	readonly port: number;
}

const run = promisify(execFile);
const POLL_MS = 50;
/** A frozen server answers nothing. */
const ANSWER_MS = 2000;
/** Nobody asks again what sets something up, and a process may take seconds to start. */
const SETUP_MS = 20_000;

/** The reply as redis-cli prints it to a program: one part a line. Rejects if the server replies an error. */
export async function redisCommand(server: RedisAddress, ...words: readonly string[]): Promise<string> {
	return await command(server, words, ANSWER_MS);
}

/** The same, with patience. */
export async function redisSetup(server: RedisAddress, ...words: readonly string[]): Promise<string> {
	return await command(server, words, SETUP_MS);
}

async function command({ host, port }: RedisAddress, words: readonly string[], timeout: number): Promise<string> {
	const { stdout } = await run("redis-cli", ["-h", host, "-p", String(port), "-e", ...words], { timeout });
	return stdout.trim();
}

/** A reply that lists names and values in turn. */
export function pairsOf(reply: string): ReadonlyMap<string, string> {
	const lines = reply.split("\n");
	return new Map(lines.flatMap((name, at) => (at % 2 === 0 ? [[name, lines[at + 1] ?? ""] as const] : [])));
}

/** Asks until it is so; an error counts as no. */
export async function until(what: string, withinMs: number, isSo: () => Promise<boolean>): Promise<void> {
	const deadline = Date.now() + withinMs;
	while (!(await isSo().catch(() => false))) {
		if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}

// What a server says about itself, and whether it is fit to hold a log. Pure but for the asking.
import { type DurabilityClass, type Log, PolylogError } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { classify } from "./errors.ts";

export interface ServerFacts {
	readonly version: string;
	/** `standalone`, `cluster` or `sentinel`. */
	readonly mode: string;
	readonly loading: boolean;
	readonly replica: boolean;
	/** Undefined where the user may not ask. */
	readonly evictionPolicy: string | undefined;
	readonly durability: DurabilityClass;
}

const LEAST_MAJOR = 7;

export async function readServerFacts(client: Redis): Promise<ServerFacts> {
	const info = await ifPermitted(() => client.info());
	if (info === undefined) return await readHello(client);
	const fields = new Map(
		info.split(/\r?\n/).map((line) => [line.slice(0, Math.max(0, line.indexOf(":"))), line.slice(line.indexOf(":") + 1)]),
	);
	const aof = fields.get("aof_enabled") === "1";
	return {
		version: fields.get("redis_version") ?? "",
		mode: fields.get("redis_mode") ?? "standalone",
		loading: fields.get("loading") === "1",
		replica: fields.get("role") === "slave",
		evictionPolicy: fields.get("maxmemory_policy"),
		durability: aof ? await durabilityOf(client) : "none",
	};
}

/** Throws if the server must not hold a log, or cannot now. `wanted` is the mode that the URL speaks of. */
export function checkServerFacts(facts: ServerFacts, display: string, wanted: "standalone" | "cluster"): void {
	const major = Number.parseInt(facts.version, 10);
	if (major < LEAST_MAJOR) {
		throw new PolylogError("UNSUPPORTED", `${display} runs Redis ${facts.version}; ${LEAST_MAJOR}.0 or later is needed (or Valkey)`);
	}
	if (facts.mode !== wanted) {
		const remedy = facts.mode === "standalone" ? "a URL of redis://" : `a URL of redis+${facts.mode}://`;
		throw new PolylogError("UNSUPPORTED", `${display} is a Redis in ${facts.mode} mode, which needs ${remedy}`);
	}
	if (facts.evictionPolicy?.startsWith("allkeys-")) {
		throw new PolylogError(
			"UNSUPPORTED",
			`${display} has maxmemory-policy ${facts.evictionPolicy}, under which Redis would throw logs away when memory runs short; set maxmemory-policy noeviction`,
		);
	}
	if (facts.loading) throw new PolylogError("UNAVAILABLE", `${display} is still loading its data`);
	if (facts.replica) throw new PolylogError("UNAVAILABLE", `${display} is a replica, which takes no writes; name the primary`);
}

export function warnOfUnknowns(facts: ServerFacts, display: string, log: Log): void {
	if (facts.evictionPolicy === undefined) {
		log.warn(`${display} does not let this user run INFO: make sure that its maxmemory-policy is noeviction`);
	}
}

/** Where INFO is denied: what the handshake tells. */
async function readHello(client: Redis): Promise<ServerFacts> {
	const reply: unknown = await client.call("HELLO", "2");
	const fields = new Map<string, string>();
	if (Array.isArray(reply)) for (let at = 0; at + 1 < reply.length; at += 2) fields.set(String(reply[at]), String(reply[at + 1]));
	const unknown = { loading: false, evictionPolicy: undefined, durability: "none" } as const;
	return {
		...unknown,
		version: fields.get("version") ?? "",
		mode: fields.get("mode") ?? "standalone",
		replica: fields.get("role") === "replica",
	};
}

/**
 * What an append-only file surely survives depends on `appendfsync`; CONFIG is often denied, and then the weakest is assumed.
 *
 * - `always`: synced before the reply. A power loss.
 * - `no`: written before the reply. A kill -9.
 * - `everysec`, the default: nothing for sure; a kill -9, with a gap. While the fsync of the second before is still under way, Redis
 *   (flushAppendOnlyFile) puts off even write(2), for up to 2 s, and replies all the same. Killed then, it loses what it
 *   acknowledged: measured on 7.0.15 in about one of four runs of kills under load, and in none with `no`. Readers and
 *   the journal notice it by their proofs of place.
 */
async function durabilityOf(client: Redis): Promise<DurabilityClass> {
	const reply: unknown = await ifPermitted(() => client.call("CONFIG", "GET", "appendfsync"));
	const setting = Array.isArray(reply) ? String(reply[1]) : "everysec";
	if (setting === "always") return "host-crash";
	return setting === "no" ? "process-crash" : "none";
}

async function ifPermitted<T>(ask: () => Promise<T>): Promise<T | undefined> {
	try {
		return await ask();
	} catch (error) {
		if (["UNAUTHORIZED", "UNSUPPORTED"].includes(classify(error).code)) return undefined;
		throw error;
	}
}

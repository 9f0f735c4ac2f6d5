// The adapter's options: defaults and checks. No I/O.
import type { ConnectionOptions } from "node:tls";
import { type AdapterTarget, type BackendUrl, type OptionSpec, PolylogError, readOptions, type Secret } from "@polylog/core/driver";

/** Under `redis-streams` in polylog.config; those that are text or numbers may also stand in the URL's query. */
export interface RedisStreamsOptions {
	/** Before every key. Default: none. */
	readonly prefix?: string;
	/** Existing streams as topics of one partition: topic → key. Nothing about them is changed but by appending. */
	readonly adopt?: Readonly<Record<string, string>>;
	/** Time for a connection to be made and to prove fit. Default: 5000. */
	readonly connectTimeoutMs?: number;
	/** Time for the reply to a command; after it the connection is given up and made anew. Default: 5000. */
	readonly commandTimeoutMs?: number;
	/** Replicas that must have an append before it counts (WAIT). Default: 0. */
	readonly minReplicas?: number;
	/** How long to wait for them. Default: 1000. */
	readonly minReplicasTimeoutMs?: number;
	/** Node's TLS options (`ca`, `cert`, `key`, `servername` …), beside or instead of the scheme `rediss`. */
	readonly tls?: Readonly<ConnectionOptions>;
	/** Accepts any certificate. For experiments. Default: false. */
	readonly insecureTls?: boolean;
}

export interface Settings {
	readonly host: string;
	readonly port: number;
	readonly database: number;
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	readonly tls: ConnectionOptions | undefined;
	/** Safe to print. */
	readonly display: string;
	readonly prefix: string;
	readonly adopt: ReadonlyMap<string, string>;
	readonly connectTimeoutMs: number;
	readonly commandTimeoutMs: number;
	readonly minReplicas: number;
	readonly minReplicasTimeoutMs: number;
}

const SPECS = {
	prefix: { kind: "string" },
	adopt: { kind: "object" },
	connectTimeoutMs: { kind: "number", min: 1 },
	commandTimeoutMs: { kind: "number", min: 1 },
	minReplicas: { kind: "number" },
	minReplicasTimeoutMs: { kind: "number", min: 1 },
	tls: { kind: "object" },
	insecureTls: { kind: "boolean" },
} satisfies Record<keyof RedisStreamsOptions, OptionSpec>;

export function readSettings(target: AdapterTarget): Settings {
	// Checked by `readOptions` against SPECS, of which RedisStreamsOptions is the type.
	const options: RedisStreamsOptions = readOptions("redis-streams", target, SPECS);
	const { url } = target;
	const [first, ...more] = url.hosts;
	if (more.length > 0) throw invalid(`${url.scheme}:// takes one host; Redis Cluster is not supported yet`);
	return {
		host: first?.host ?? "127.0.0.1",
		port: first?.port ?? 6379,
		database: readDatabase(url),
		username: url.username,
		password: url.password,
		tls: readTls(url, options),
		display: url.display,
		prefix: readPrefix(options.prefix ?? ""),
		adopt: readAdopted(options.adopt ?? {}),
		connectTimeoutMs: options.connectTimeoutMs ?? 5000,
		commandTimeoutMs: options.commandTimeoutMs ?? 5000,
		minReplicas: options.minReplicas ?? 0,
		minReplicasTimeoutMs: options.minReplicasTimeoutMs ?? 1000,
	};
}

function readDatabase(url: BackendUrl): number {
	if (url.path === "") return 0;
	if (!/^\d{1,5}$/.test(url.path))
		throw invalid(`the path of a ${url.scheme}:// URL is the number of a database, as in ${url.scheme}://host:6379/0`);
	return Number(url.path);
}

function readTls(url: BackendUrl, { tls, insecureTls }: RedisStreamsOptions): ConnectionOptions | undefined {
	if (tls?.rejectUnauthorized === false)
		throw invalid(`redis-streams option "tls" may not switch verification off; set "insecureTls" if that is meant`);
	if (url.scheme !== "rediss" && tls === undefined) {
		if (insecureTls) throw invalid(`redis-streams option "insecureTls" needs the scheme rediss`);
		return undefined;
	}
	return insecureTls ? { ...tls, rejectUnauthorized: false } : { ...tls };
}

function readPrefix(prefix: string): string {
	// A brace would move the hash tag, and with it a partition's keys into different slots.
	if (/[{}]/.test(prefix)) throw invalid(`redis-streams option "prefix" may not hold braces`);
	return prefix;
}

function readAdopted(adopt: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
	const adopted = new Map<string, string>();
	for (const [topic, key] of Object.entries(adopt)) {
		if (typeof key !== "string" || key === "") throw invalid(`redis-streams option "adopt" maps topics to keys; "${topic}" has none`);
		adopted.set(topic, key);
	}
	return adopted;
}

function invalid(message: string): PolylogError {
	return new PolylogError("CONFIG_INVALID", message);
}

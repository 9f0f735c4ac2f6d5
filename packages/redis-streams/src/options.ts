// The adapter's options: defaults and checks. No I/O.
import type { ConnectionOptions } from "node:tls";
import { type AdapterTarget, type BackendUrl, type OptionSpec, PolylogError, readOptions, Secret } from "@polylog/core/driver";

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
	/** Of the sentinels, where they ask for one: the URL's credentials are the primary's. Default: none. */
	readonly sentinelUsername?: string;
	readonly sentinelPassword?: string;
}

export interface Address {
	readonly host: string;
	readonly port: number;
}

/** What the URL names. */
export type Target =
	| { readonly kind: "server"; readonly address: Address }
	/** Any nodes; the others are learned from them. */
	| { readonly kind: "cluster"; readonly seeds: readonly Address[] }
	/** `primary` is the name that the sentinels have for it. */
	| { readonly kind: "sentinel"; readonly sentinels: readonly Address[]; readonly primary: string };

export interface Settings {
	readonly target: Target;
	readonly database: number;
	readonly username: string | undefined;
	readonly password: Secret | undefined;
	readonly sentinelUsername: string | undefined;
	readonly sentinelPassword: Secret | undefined;
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

const PORT = 6379;
const SENTINEL_PORT = 26_379;

const SPECS = {
	prefix: { kind: "string" },
	adopt: { kind: "object" },
	connectTimeoutMs: { kind: "number", min: 1 },
	commandTimeoutMs: { kind: "number", min: 1 },
	minReplicas: { kind: "number" },
	minReplicasTimeoutMs: { kind: "number", min: 1 },
	tls: { kind: "object" },
	insecureTls: { kind: "boolean" },
	sentinelUsername: { kind: "string" },
	sentinelPassword: { kind: "string" },
} satisfies Record<keyof RedisStreamsOptions, OptionSpec>;

export function readSettings(target: AdapterTarget): Settings {
	// Checked by `readOptions` against SPECS, of which RedisStreamsOptions is the type.
	const options: RedisStreamsOptions = readOptions("redis-streams", target, SPECS);
	const { url } = target;
	return {
		...readTarget(url),
		username: url.username,
		password: url.password,
		sentinelUsername: options.sentinelUsername,
		sentinelPassword: options.sentinelPassword === undefined ? undefined : new Secret(options.sentinelPassword),
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

/** `redis://host`, `redis+cluster://host,host`, `redis+sentinel://host,host/NAME`; a database's number may follow all but the cluster. */
function readTarget(url: BackendUrl): Pick<Settings, "target" | "database"> {
	const kind = url.scheme.split("+")[1];
	if (kind === "sentinel") {
		const [primary, path] = splitOnce(url.path);
		if (primary === "")
			throw invalid(
				`the path of a ${url.scheme}:// URL begins with the primary's name, as in ${url.scheme}://host:26379,host2:26379/mymaster/0`,
			);
		return { target: { kind, sentinels: addresses(url, SENTINEL_PORT), primary }, database: readDatabase(url, path) };
	}
	if (kind === "cluster") {
		if (readDatabase(url, url.path) !== 0) throw invalid("Redis Cluster has the database 0 alone");
		return { target: { kind, seeds: addresses(url, PORT) }, database: 0 };
	}
	const [address = { host: "127.0.0.1", port: PORT }, ...more] = addresses(url, PORT);
	if (more.length > 0)
		throw invalid(`${url.scheme}:// takes one host; for several there are ${url.scheme}+cluster:// and ${url.scheme}+sentinel://`);
	return { target: { kind: "server", address }, database: readDatabase(url, url.path) };
}

function addresses({ hosts }: BackendUrl, defaultPort: number): Address[] {
	const named = hosts.length === 0 ? [{ host: "127.0.0.1", port: undefined }] : hosts;
	return named.map(({ host, port = defaultPort }) => ({ host, port }));
}

function splitOnce(path: string): readonly [string, string] {
	const slash = path.indexOf("/");
	return slash < 0 ? [path, ""] : [path.slice(0, slash), path.slice(slash + 1)];
}

function readDatabase(url: BackendUrl, path: string): number {
	if (path === "") return 0;
	if (!/^\d{1,5}$/.test(path))
		throw invalid(`the path of a ${url.scheme}:// URL ends with the number of a database: 0, 1 …, not "${path}"`);
	return Number(path);
}

function readTls(url: BackendUrl, { tls, insecureTls }: RedisStreamsOptions): ConnectionOptions | undefined {
	if (tls?.rejectUnauthorized === false)
		throw invalid(`redis-streams option "tls" may not switch verification off; set "insecureTls" if that is meant`);
	if (!url.scheme.startsWith("rediss") && tls === undefined) {
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

// The adapter's options: defaults and checks. No I/O.
import type { ConnectionOptions } from "node:tls";
import { type AdapterTarget, type BackendUrl, type OptionSpec, PolylogError, readOptions, type Secret } from "@polylog/core/driver";
import type { Compression } from "./log/compression.ts";
import type { NodeAddress } from "./wire/wire.ts";

/** Under `kafka` in polylog.config; those that are text, numbers or flags may also stand in the URL's query. */
export interface KafkaOptions {
	/** Node's TLS options (`ca`, `cert`, `key`, `servername` …), or `true` for the defaults. In the URL: `?tls`. Default: no TLS. */
	readonly tls?: boolean | Readonly<ConnectionOptions>;
	/** Accepts any certificate. For experiments. Default: false. */
	readonly insecureTls?: boolean;
	/** How user and password of the URL are shown to the broker; `plain` only over TLS. Default: `scram-sha-512`. */
	readonly sasl?: "plain" | "scram-sha-256" | "scram-sha-512";
	/** Time for a connection to be made and to prove fit. Default: 10000. */
	readonly connectTimeoutMs?: number;
	/** Time for an answer; after it the connection is given up and made anew. Default: 30000. */
	readonly requestTimeoutMs?: number;
	/**
	 * `cooperative` shares a group with Java's and librdkafka's cooperative-sticky members: only what moves stands still.
	 * `eager` shares it with members of the range and roundrobin kind, of kafkajs' own Consumer too. Default: `cooperative`.
	 */
	readonly rebalance?: "cooperative" | "eager";
	/** How long a member may take to give up partitions before it loses them. Default: 60000. */
	readonly rebalanceTimeoutMs?: number;
	/** How old knowledge of a topic's partitions and their leaders may become: how late added ones, and leaders that are cut off, are found. Default: 5000. */
	readonly metadataMaxAgeMs?: number;
	/** Of record batches sent; read are all of Kafka's. Default: `none`. */
	readonly compression?: Compression;
	/** Of a record batch, uncompressed; not above the broker's `message.max.bytes`. Default: 900000. */
	readonly maxBatchBytes?: number;
	/** Of one partition in one answer. Default: 1048576. */
	readonly fetchBytes?: number;
	/** Of the topics made. Default: the broker's own. */
	readonly replicationFactor?: number;
	/** Replicas that must have a record before it counts, of the topics made. Default: the broker's own. */
	readonly minInSyncReplicas?: number;
	/** Whether records of transactions are read before these are committed. Default: false. */
	readonly readUncommitted?: boolean;
}

export interface Settings {
	readonly seeds: readonly NodeAddress[];
	readonly tls: ConnectionOptions | undefined;
	readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: Secret } | undefined;
	/** Safe to print. */
	readonly display: string;
	readonly connectTimeoutMs: number;
	readonly requestTimeoutMs: number;
	readonly rebalance: "cooperative" | "eager";
	readonly rebalanceTimeoutMs: number;
	readonly metadataMaxAgeMs: number;
	readonly compression: Compression;
	readonly maxBatchBytes: number;
	readonly fetchBytes: number;
	readonly replicationFactor: number;
	readonly minInSyncReplicas: number | undefined;
	readonly committedOnly: boolean;
}

const SPECS = {
	tls: { kind: "object" },
	insecureTls: { kind: "boolean" },
	sasl: { kind: "string", values: ["plain", "scram-sha-256", "scram-sha-512"] },
	connectTimeoutMs: { kind: "number", min: 1 },
	requestTimeoutMs: { kind: "number", min: 1 },
	rebalance: { kind: "string", values: ["cooperative", "eager"] },
	rebalanceTimeoutMs: { kind: "number", min: 1000 },
	metadataMaxAgeMs: { kind: "number", min: 100 },
	compression: { kind: "string", values: ["none", "gzip", "zstd"] },
	maxBatchBytes: { kind: "number", min: 1024 },
	fetchBytes: { kind: "number", min: 1024 },
	replicationFactor: { kind: "number", min: 1 },
	minInSyncReplicas: { kind: "number", min: 1 },
	readUncommitted: { kind: "boolean" },
} satisfies Record<keyof KafkaOptions, OptionSpec>;

export function readSettings(target: AdapterTarget): Settings {
	const { url } = target;
	if (url.path !== "") throw invalid(`a kafka:// URL has no path; "${url.path}" means nothing`);
	const tls = flagOf(target);
	// Checked by `readOptions` against SPECS, of which KafkaOptions is the type.
	const options: KafkaOptions = readOptions(
		"kafka",
		withoutFlag(target, tls),
		tls === undefined ? SPECS : { ...SPECS, tls: { kind: "boolean" } },
	);
	const secure = readTls(options);
	return {
		seeds: url.hosts.map(({ host, port }) => ({ host, port: port ?? 9092 })),
		tls: secure,
		sasl: readSasl(url, options, secure !== undefined),
		display: url.display,
		connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
		requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
		rebalance: options.rebalance ?? "cooperative",
		rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
		metadataMaxAgeMs: options.metadataMaxAgeMs ?? 5_000,
		compression: options.compression ?? "none",
		maxBatchBytes: options.maxBatchBytes ?? 900_000,
		fetchBytes: options.fetchBytes ?? 1_048_576,
		replicationFactor: options.replicationFactor ?? -1,
		minInSyncReplicas: options.minInSyncReplicas,
		committedOnly: options.readUncommitted !== true,
	};
}

/** `tls` as a plain yes or no, of the URL or the configuration; undefined where it is an object or not given. */
function flagOf({ url, options }: AdapterTarget): unknown {
	const given = options["tls"] ?? url.params.get("tls");
	return typeof given === "object" ? undefined : given;
}

function withoutFlag(target: AdapterTarget, flag: unknown): AdapterTarget {
	if (flag !== undefined || !target.url.params.has("tls")) return target;
	const params = new Map(target.url.params);
	params.delete("tls");
	return { ...target, url: { ...target.url, params } };
}

function readTls({ tls, insecureTls }: KafkaOptions): ConnectionOptions | undefined {
	if (typeof tls === "object" && tls.rejectUnauthorized === false)
		throw invalid(`kafka option "tls" may not switch verification off; set "insecureTls" if that is meant`);
	if (tls === undefined || tls === false) {
		if (insecureTls) throw invalid(`kafka option "insecureTls" needs "tls"`);
		return undefined;
	}
	const given = tls === true ? {} : tls;
	return insecureTls ? { ...given, rejectUnauthorized: false } : { ...given };
}

function readSasl({ username, password, scheme }: BackendUrl, { sasl }: KafkaOptions, secure: boolean): Settings["sasl"] {
	if (username === undefined || password === undefined) {
		if (sasl === undefined && username === undefined) return undefined;
		throw invalid(`SASL needs a user and a password: ${scheme}://user:password@host:9092`);
	}
	const mechanism = sasl ?? "scram-sha-512";
	if (mechanism === "plain" && !secure)
		throw invalid(`SASL PLAIN shows the password to the network: use it with "tls", or take sasl=scram-sha-512`);
	return { mechanism, username, password };
}

function invalid(message: string): PolylogError {
	return new PolylogError("CONFIG_INVALID", message);
}

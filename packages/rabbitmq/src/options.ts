// The adapter's options: defaults and checks. No I/O.
import type { ConnectionOptions } from "node:tls";
import { type AdapterTarget, type BackendUrl, type OptionSpec, PolylogError, readOptions, type Secret } from "@polylog/core/driver";

/** Under `rabbitmq` in polylog.config; those that are text or numbers may also stand in the URL's query. */
export interface RabbitmqOptions {
	/** Replicas of every stream made from now on (x-initial-cluster-size). Default: the broker's own, one on each node. */
	readonly replicas?: number;
	/** Retention of topics that are made without one: bytes per partition. Default: none. */
	readonly retentionBytes?: number;
	/** Retention of topics that are made without one: age. Default: none. */
	readonly retentionAgeMs?: number;
	/** Retention removes whole segments of this size, and never the last one. Default: a quarter of the retention in bytes, at most 50 MB. */
	readonly segmentBytes?: number;
	/** Size of each group's journal. Default: 32 MiB. */
	readonly journalBytes?: number;
	/** Time for a connection to be made, with its handshake. Default: 3000. */
	readonly connectTimeoutMs?: number;
	/** Time for channels, consumers and declarations. A healthy node may need 14 s while another one is unreachable. Default: 15000. */
	readonly setupTimeoutMs?: number;
	/** Time for a confirm; after it the connection is given up and another host is tried. Default: 15000. */
	readonly confirmTimeoutMs?: number;
	/** `external`: the TLS certificate is the login. Default: `plain`. */
	readonly auth?: "plain" | "external";
	/** Node's TLS options (`ca`, `cert`, `key`, `servername` …), with the scheme `amqps`. */
	readonly tls?: Readonly<ConnectionOptions>;
	/** Accepts any certificate. For experiments. Default: false. */
	readonly insecureTls?: boolean;
}

export interface Host {
	readonly host: string;
	readonly port: number;
}

export interface Settings {
	readonly hosts: readonly [Host, ...Host[]];
	readonly vhost: string;
	readonly username: string;
	readonly password: Secret | undefined;
	readonly external: boolean;
	readonly tls: ConnectionOptions | undefined;
	/** Safe to print. */
	readonly display: string;
	readonly replicas: number | undefined;
	readonly retentionBytes: number | undefined;
	readonly retentionAgeMs: number | undefined;
	readonly segmentBytes: number | undefined;
	readonly journalBytes: number;
	readonly connectTimeoutMs: number;
	readonly setupTimeoutMs: number;
	readonly confirmTimeoutMs: number;
}

const SPECS = {
	replicas: { kind: "number", min: 1 },
	retentionBytes: { kind: "number", min: 1 },
	retentionAgeMs: { kind: "number", min: 1000 },
	segmentBytes: { kind: "number", min: 1000 },
	journalBytes: { kind: "number", min: 64_000 },
	connectTimeoutMs: { kind: "number", min: 1 },
	setupTimeoutMs: { kind: "number", min: 1 },
	confirmTimeoutMs: { kind: "number", min: 1 },
	auth: { kind: "string", values: ["plain", "external"] },
	tls: { kind: "object" },
	insecureTls: { kind: "boolean" },
} satisfies Record<keyof RabbitmqOptions, OptionSpec>;

export function readSettings(target: AdapterTarget): Settings {
	// Checked by `readOptions` against SPECS, of which RabbitmqOptions is the type.
	const options: RabbitmqOptions = readOptions("rabbitmq", target, SPECS);
	const { url } = target;
	const external = options.auth === "external";
	if (external && url.scheme !== "amqps")
		throw invalid(`rabbitmq option "auth=external" needs the scheme amqps: the certificate is the login`);
	return {
		hosts: readHosts(url),
		vhost: url.path === "" ? "/" : url.path,
		username: url.username ?? "guest",
		password: url.password,
		external,
		tls: readTls(url, options),
		display: url.display,
		replicas: options.replicas,
		retentionBytes: options.retentionBytes,
		retentionAgeMs: options.retentionAgeMs,
		segmentBytes: options.segmentBytes,
		journalBytes: options.journalBytes ?? 32 * 1024 * 1024,
		connectTimeoutMs: options.connectTimeoutMs ?? 3000,
		setupTimeoutMs: options.setupTimeoutMs ?? 15_000,
		confirmTimeoutMs: options.confirmTimeoutMs ?? 15_000,
	};
}

function readHosts({ hosts, scheme }: BackendUrl): readonly [Host, ...Host[]] {
	const standard = scheme === "amqps" ? 5671 : 5672;
	const [first = { host: "127.0.0.1", port: undefined }, ...more] = hosts;
	const withPort = ({ host, port }: { host: string; port: number | undefined }): Host => ({ host, port: port ?? standard });
	return [withPort(first), ...more.map(withPort)];
}

function readTls(url: BackendUrl, { tls, insecureTls }: RabbitmqOptions): ConnectionOptions | undefined {
	if (tls?.rejectUnauthorized === false)
		throw invalid(`rabbitmq option "tls" may not switch verification off; set "insecureTls" if that is meant`);
	if (url.scheme !== "amqps") {
		if (tls !== undefined || insecureTls) throw invalid(`rabbitmq options "tls" and "insecureTls" need the scheme amqps`);
		return undefined;
	}
	return insecureTls ? { ...tls, rejectUnauthorized: false } : { ...tls };
}

function invalid(message: string): PolylogError {
	return new PolylogError("CONFIG_INVALID", message);
}

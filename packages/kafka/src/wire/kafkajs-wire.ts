// kafkajs' connection layer as a KafkaWire. The only file that reaches into kafkajs; its version is pinned and checked.
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { type Clock, PolylogError, type Secret } from "@polylog/core/driver";
import type { KafkaJSConnectionError } from "kafkajs";
import type { KafkaWire, NodeAddress, RequestFrame, WireConnection } from "./wire.ts";

const KAFKAJS_VERSION = "2.2.4";

export interface KafkajsSettings {
	readonly clientId: string;
	readonly connectTimeoutMs: number;
	readonly tls: ConnectionOptions | undefined;
	readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: Secret } | undefined;
}

interface KafkajsConnection {
	socket?: Socket;
	isConnected(): boolean;
	rejectRequests(error: Error): void;
	disconnect(): Promise<unknown>;
	send(request: object): Promise<Buffer>;
}

interface KafkajsPool {
	pool: KafkajsConnection[];
}

interface KafkajsBroker {
	connect(): Promise<void>;
}

interface KafkajsInternals {
	readonly ConnectionPool: new (options: object) => KafkajsPool;
	readonly Broker: new (options: object) => KafkajsBroker;
	readonly socketFactory: () => unknown;
	readonly ConnectionError: typeof KafkaJSConnectionError;
}

/** kafkajs' own log says nothing its errors do not say, and may hold what must not be shown. */
const silent: object = { namespace: () => silent, debug() {}, info() {}, warn() {}, error() {}, setLogLevel() {} };

export class KafkajsWire implements KafkaWire {
	readonly #kafkajs: KafkajsInternals;
	readonly #settings: KafkajsSettings;
	readonly #clock: Clock;

	constructor(settings: KafkajsSettings, clock: Clock) {
		this.#settings = settings;
		this.#clock = clock;
		this.#kafkajs = loadKafkajs();
	}

	async open(address: NodeAddress, signal?: AbortSignal): Promise<WireConnection> {
		signal?.throwIfAborted();
		const { Broker, ConnectionPool, ConnectionError, socketFactory } = this.#kafkajs;
		const { clientId, connectTimeoutMs, tls, sasl } = this.#settings;
		const pool = new ConnectionPool({
			...address,
			clientId,
			ssl: tls ?? null,
			sasl: sasl ? { ...sasl, password: sasl.password.reveal() } : null,
			logger: silent,
			socketFactory: socketFactory(),
			connectionTimeout: connectTimeoutMs,
			// The caller times its requests itself: kafkajs would do so with a timer for each connection, ten times a second.
			enforceRequestTimeout: false,
			requestTimeout: connectTimeoutMs,
			maxInFlightRequests: null,
		});
		// The pool's second socket stays unopened: it would be for Fetch alone.
		const [connection] = pool.pool;
		if (!connection) throw new Error("kafkajs made a pool without a connection");
		pool.pool = [connection, connection];
		const opened = new OpenConnection(connection);
		const broker = new Broker({
			connectionPool: pool,
			logger: silent,
			authenticationTimeout: connectTimeoutMs,
			allowAutoTopicCreation: false,
		});
		const where = `${address.host}:${address.port}`;
		const late = Promise.withResolvers<never>();
		const cancel = this.#clock.after(connectTimeoutMs, () =>
			late.reject(new ConnectionError(`no connection to ${where} within ${connectTimeoutMs} ms`)),
		);
		const onAbort = () => late.reject(signal?.reason);
		signal?.addEventListener("abort", onAbort, { once: true });
		try {
			await Promise.race([broker.connect(), late.promise]);
			return opened;
		} catch (error) {
			opened.destroy(new ConnectionError(`the connection to ${where} was given up`));
			throw error;
		} finally {
			cancel();
			signal?.removeEventListener("abort", onAbort);
		}
	}
}

class OpenConnection implements WireConnection {
	readonly #connection: KafkajsConnection;

	constructor(connection: KafkajsConnection) {
		this.#connection = connection;
	}

	get alive(): boolean {
		return this.#connection.isConnected();
	}

	request({ apiKey, version, body, flexible }: RequestFrame): Promise<Buffer> {
		// kafkajs writes the header that ends with the client's id; the flexible one has (no) tagged fields after it.
		const payload = flexible ? Buffer.concat([NO_TAGS, body]) : body;
		return this.#connection.send({
			request: { apiKey, apiVersion: version, apiName: `api ${apiKey}`, encode: async () => ({ buf: payload, buffer: payload }) },
			response: { decode: async (bytes: Buffer) => bytes, parse: async (bytes: Buffer) => (flexible ? withoutTags(bytes) : bytes) },
			logResponseError: false,
		});
	}

	destroy(reason: Error): void {
		this.#connection.rejectRequests(reason);
		this.#connection.socket?.destroy();
		// Only kafkajs' own state is left to tidy up.
		this.#connection.disconnect().catch(() => {});
	}
}

const NO_TAGS = Buffer.from([0]);

/** No answer has tagged fields in its header so far. */
function withoutTags(bytes: Buffer): Buffer {
	if (bytes[0] !== 0) throw new Error("the broker's answer has a header of an unknown form");
	return bytes.subarray(1);
}

let loaded: KafkajsInternals | undefined;

function loadKafkajs(): KafkajsInternals {
	if (loaded) return loaded;
	const load = createRequire(import.meta.url);
	const { version } = load("kafkajs/package.json") as { version: string };
	if (version !== KAFKAJS_VERSION) {
		throw new PolylogError(
			"ADAPTER_MISSING",
			`@polylog/kafka is built on the inside of kafkajs ${KAFKAJS_VERSION}, but kafkajs ${version} is installed; install kafkajs@${KAFKAJS_VERSION}`,
		);
	}
	patchTimers(load("kafkajs/src/network/requestQueue") as RequestQueueClass);
	loaded = {
		ConnectionPool: load("kafkajs/src/network/connectionPool") as KafkajsInternals["ConnectionPool"],
		Broker: load("kafkajs/src/broker") as KafkajsInternals["Broker"],
		socketFactory: load("kafkajs/src/network/socketFactory") as KafkajsInternals["socketFactory"],
		ConnectionError: (load("kafkajs/src/errors") as { KafkaJSConnectionError: KafkajsInternals["ConnectionError"] }).KafkaJSConnectionError,
	};
	return loaded;
}

interface RequestQueue {
	readonly pending: readonly unknown[];
	scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

interface RequestQueueClass {
	readonly prototype: RequestQueue;
}

const patched = new WeakSet<object>();

/** Every connection of kafkajs arms a timer of 1 ms for ever (its issue 1751). Only what is pending needs one. */
function patchTimers({ prototype }: RequestQueueClass): void {
	if (patched.has(prototype)) return;
	patched.add(prototype);
	const schedule = prototype.scheduleCheckPendingRequests;
	prototype.scheduleCheckPendingRequests = function patchedSchedule() {
		if (this.pending.length > 0) schedule.call(this);
	};
}

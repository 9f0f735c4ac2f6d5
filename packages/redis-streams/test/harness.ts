// Drivers on a real Redis, made as core makes them.
import { randomBytes } from "node:crypto";
import {
	type BackendUrl,
	type Driver,
	type DriverContext,
	type Log,
	type OutgoingRecord,
	type Partition,
	type RawRecord,
	type Reader,
	Secret,
} from "@polylog/core/driver";
import { type Provider, providers, type RedisServerOptions, type RunningBroker, type RunningRedis } from "@polylog/integration";
import { useBroker } from "@polylog/integration/vitest";
import { Redis } from "ioredis";
import { afterEach } from "vitest";
import { adapter, type RedisStreamsNative, type RedisStreamsOptions } from "../src/index.ts";

export const CREDIT = { records: 500, bytes: 1_000_000 };

export class LoggedLines implements Log {
	readonly lines: string[] = [];
	info(message: string): void {
		this.lines.push(`info ${message}`);
	}
	warn(message: string): void {
		this.lines.push(`warn ${message}`);
	}
	error(message: string): void {
		this.lines.push(`error ${message}`);
	}
}

export function driverContext(log: Log = new LoggedLines()): DriverContext {
	return {
		clock: {
			now: () => performance.now(),
			wall: () => Date.now(),
			after(delayMs, callback) {
				const timer = setTimeout(callback, delayMs);
				return () => clearTimeout(timer);
			},
			yield: () => new Promise((resolve) => setImmediate(resolve)),
		},
		random: { fraction: () => Math.random(), hex: (bytes) => randomBytes(bytes).toString("hex") },
		log,
		clientId: "test",
	};
}

/** As core parses a URL, for the plain ones of tests. */
export function backendUrl(text: string): BackendUrl {
	const url = new URL(text);
	const text_ = (part: string) => (part === "" ? undefined : decodeURIComponent(part));
	const password = text_(url.password);
	return {
		scheme: url.protocol.slice(0, -1),
		hosts: [{ host: url.hostname, port: url.port === "" ? undefined : Number(url.port) }],
		username: text_(url.username),
		password: password === undefined ? undefined : new Secret(password),
		path: url.pathname.replace(/^\//, ""),
		params: url.searchParams.size === 0 ? new Map() : new Map(url.searchParams),
		display: `${url.protocol}//${url.host}${url.pathname}`,
	};
}

export function makeDriver(url: string, options: RedisStreamsOptions = {}, log?: Log): Driver {
	return adapter.create({ url: backendUrl(url), options: { ...options } }, driverContext(log));
}

export type RedisProvider = Provider<"redis" | "valkey">;

/** Every server this adapter is for, for `describe.each`: one broker each for all tests of a file. */
export const servers: readonly RedisProvider[] = await providers("redis", "valkey");

/** A broker and a session on it for the tests of a suite, and the broker's name in their report. */
export function useRedis(
	provider: RedisProvider,
	options?: RedisServerOptions,
): { readonly broker: RunningRedis; readonly session: Session } {
	const used = useBroker("redis-streams", provider, options);
	let session: Session | undefined;
	afterEach(() => session?.close());
	return {
		get broker() {
			return used.broker;
		},
		get session() {
			return (session ??= new Session(used.broker));
		},
	};
}

/** Connected drivers and plain clients on one broker, closed together. */
export class Session {
	readonly #broker: Pick<RunningBroker, "url" | "host" | "port">;
	readonly #drivers: Driver[] = [];
	readonly #clients: Redis[] = [];

	constructor(broker: Pick<RunningBroker, "url" | "host" | "port">) {
		this.#broker = broker;
	}

	async driver(options: RedisStreamsOptions = {}, url = this.#broker.url): Promise<Driver> {
		const driver = makeDriver(url, options);
		this.#drivers.push(driver);
		await driver.connect();
		return driver;
	}

	/** A client of its own, as another program would have. */
	redis(): Redis {
		const client = new Redis(this.#broker.url, { protocol: 2 });
		client.on("error", () => undefined);
		this.#clients.push(client);
		return client;
	}

	async close(): Promise<void> {
		await Promise.all(this.#drivers.splice(0).map((driver) => driver.close()));
		for (const client of this.#clients.splice(0)) client.disconnect();
	}
}

let names = 0;
/** A topic name no other test has, also on a Redis that several runs share. */
export function uniqueName(stem: string): string {
	names += 1;
	return `${stem}-${process.pid}-${Date.now().toString(36)}-${names}`;
}

export function record(text: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
	return { key: undefined, value: Buffer.from(text), headers: [], timestamp: 1_700_000_000_000, ...more };
}

export function records(from: number, count: number): OutgoingRecord[] {
	return Array.from({ length: count }, (_, at) => record(`r${from + at}`));
}

export function textOf(raw: RawRecord): string {
	return raw.value === null ? "(tombstone)" : Buffer.from(raw.value).toString();
}

/** A producer that numbers its batches as core does. */
export class TestProducer {
	readonly #driver: Driver;
	readonly #partition: Partition;
	readonly id: string;
	sequence = 0;

	constructor(driver: Driver, partition: Partition, id = uniqueName("producer")) {
		this.#driver = driver;
		this.#partition = partition;
		this.id = id;
	}

	/** Appends and requires that all of it is stored; gives the offsets. */
	async append(batch: readonly OutgoingRecord[]): Promise<bigint[]> {
		const outcomes = await this.#driver.append(this.#partition, batch, { id: this.id, epoch: 0, sequence: this.sequence });
		this.sequence += batch.length;
		return outcomes.map((outcome) => {
			if (outcome.status !== "ok" || outcome.offset === undefined)
				throw new Error(`append: ${JSON.stringify(outcome, (_, value: unknown) => (value instanceof Error ? String(value) : value))}`);
			return outcome.offset;
		});
	}
}

/** Fetches until `count` records are there. */
export async function take(reader: Reader, count: number, credit = CREDIT): Promise<RawRecord[]> {
	const taken: RawRecord[] = [];
	while (taken.length < count) taken.push(...(await reader.fetch({ ...credit, records: Math.min(credit.records, count - taken.length) })));
	return taken;
}

export function nativeClient(driver: Driver): Redis {
	const { client } = driver.native() as RedisStreamsNative;
	if (!client) throw new Error("not connected");
	return client;
}

// Drivers on a real Redis, made as core makes them.
import { type Driver, type Log, type OutgoingRecord, type Partition } from "@polylog/core/driver";
import {
	type Provider,
	providers,
	type RedisServerOptions,
	type RunningBroker,
	type RunningRedis,
	createDriver,
	uniqueName,
} from "@polylog/integration";
import { useBroker } from "@polylog/integration/vitest";
import { Redis } from "ioredis";
import { afterEach } from "vitest";
import { adapter, type RedisStreamsNative, type RedisStreamsOptions } from "../src/index.ts";

export { CREDIT, LoggedLines, quickestOfThree, take, textOf, uniqueName } from "@polylog/integration";

export function makeDriver(url: string, options: RedisStreamsOptions = {}, log?: Log): Driver {
	return createDriver(adapter, url, options, log);
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

export function record(text: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
	return { key: undefined, value: Buffer.from(text), headers: [], timestamp: 1_700_000_000_000, ...more };
}

export function records(from: number, count: number): OutgoingRecord[] {
	return Array.from({ length: count }, (_, at) => record(`r${from + at}`));
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

export function nativeClient(driver: Driver): Redis {
	const { client } = driver.native() as RedisStreamsNative;
	if (!client) throw new Error("not connected");
	return client;
}

// Drivers on a real RabbitMQ, made as core makes them.
import { randomBytes } from "node:crypto";
import {
	type AppendOutcome,
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
import { type RabbitmqServerOptions, type RunningRabbitmq, startRabbitmq } from "@polylog/integration";
import { type ChannelModel, connect } from "amqplib";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { adapter, type RabbitmqOptions } from "../src/index.ts";

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

export function makeDriver(url: string, options: RabbitmqOptions = {}, log?: Log): Driver {
	return adapter.create({ url: backendUrl(url), options: { ...options } }, driverContext(log));
}

/** A broker and a session on it for a whole file of tests, and the broker's name in their report. */
export function useRabbitmq(options: RabbitmqServerOptions = {}): { readonly broker: RunningRabbitmq; readonly session: Session } {
	let used: { readonly broker: RunningRabbitmq; readonly session: Session } | undefined;
	const current = () => {
		if (!used) throw new Error("the broker is started before the tests, not while they are collected");
		return used;
	};
	beforeAll(async () => {
		const broker = await startRabbitmq(options);
		used = { broker, session: new Session(broker) };
	});
	beforeEach(({ task }) => {
		task.meta.backend = "rabbitmq";
		task.meta.version = `RabbitMQ ${current().broker.version}`;
	});
	afterEach(() => current().session.close());
	afterAll(() => current().broker.dispose());
	return {
		get broker() {
			return current().broker;
		},
		get session() {
			return current().session;
		},
	};
}

/** Connected drivers and plain clients on one broker, closed together. */
export class Session {
	readonly #broker: Pick<RunningRabbitmq, "url" | "host" | "port">;
	readonly #drivers: Driver[] = [];
	readonly #clients: ChannelModel[] = [];

	constructor(broker: Pick<RunningRabbitmq, "url" | "host" | "port">) {
		this.#broker = broker;
	}

	async driver(options: RabbitmqOptions = {}, url = this.#broker.url): Promise<Driver> {
		const driver = makeDriver(url, options);
		this.#drivers.push(driver);
		await driver.connect();
		return driver;
	}

	/** A client of its own, as another program would have. */
	async amqp(): Promise<ChannelModel> {
		const client = await connect(this.#broker.url, { noDelay: true });
		client.on("error", () => undefined);
		this.#clients.push(client);
		return client;
	}

	async close(): Promise<void> {
		await Promise.all(this.#drivers.splice(0).map((driver) => driver.close()));
		await Promise.allSettled(this.#clients.splice(0).map((client) => client.close()));
	}
}

let names = 0;
/** A topic name no other test has, also on a RabbitMQ that several runs share. */
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

	/** Appends and requires that all of it is stored. */
	async append(batch: readonly OutgoingRecord[]): Promise<void> {
		for (const outcome of await this.outcomes(batch)) if (outcome.status !== "ok") throw outcome.error;
	}

	async outcomes(batch: readonly OutgoingRecord[]): Promise<readonly AppendOutcome[]> {
		const { sequence } = this;
		this.sequence += batch.length;
		return await this.#driver.append(this.#partition, batch, { id: this.id, epoch: 0, sequence });
	}
}

/** Fetches until `count` records are there. */
export async function take(reader: Reader, count: number, credit = CREDIT): Promise<RawRecord[]> {
	const taken: RawRecord[] = [];
	while (taken.length < count) taken.push(...(await reader.fetch({ ...credit, records: Math.min(credit.records, count - taken.length) })));
	return taken;
}

/** Until `probe` gives something true; rejects after `withinMs`. */
export async function until<T>(
	what: string,
	probe: () => T | undefined | false | Promise<T | undefined | false>,
	withinMs = 15_000,
): Promise<T> {
	for (const deadline = performance.now() + withinMs; ;) {
		const found = await probe();
		if (found) return found;
		if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

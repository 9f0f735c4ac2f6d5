// Drivers on a real RabbitMQ, made as core makes them.
import { type AppendOutcome, type Driver, type Log, type OutgoingRecord, type Partition } from "@polylog/core/driver";
import { type RabbitmqServerOptions, type RunningRabbitmq, startRabbitmq, createDriver, uniqueName } from "@polylog/integration";
import { type ChannelModel, connect } from "amqplib";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { adapter, type RabbitmqOptions } from "../src/index.ts";

export { CREDIT, take, textOf, uniqueName } from "@polylog/integration";

/** A stream cannot count its records and removes whole segments, each of one chunk at least: some 2,000 of the kit's stay. */
export const SHORT_RETENTION = { bytes: 1_000_000 };

export function makeDriver(url: string, options: RabbitmqOptions = {}, log?: Log): Driver {
	return createDriver(adapter, url, options, log);
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
		// Three seconds, the default, a busy machine's broker may take.
		const driver = this.unconnected({ connectTimeoutMs: 10_000, ...options }, url);
		await driver.connect();
		return driver;
	}

	unconnected(options: RabbitmqOptions = {}, url = this.#broker.url): Driver {
		const driver = makeDriver(url, options);
		this.#drivers.push(driver);
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

/** Until `probe` gives something true; rejects after `withinMs`. */
export async function until<T>(
	what: string,
	probe: () => T | undefined | false | Promise<T | undefined | false>,
	withinMs = 30_000,
): Promise<T> {
	for (const deadline = performance.now() + withinMs; ;) {
		const found = await probe();
		if (found) return found;
		if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

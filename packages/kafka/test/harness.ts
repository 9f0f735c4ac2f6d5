// Drivers on a real Kafka, made as core makes them, and what stands between them and the broker.
import {
	type Assignor,
	type Driver,
	type Grant,
	type GroupCoordinator,
	type GroupSession,
	type JoinRequest,
	type Log,
	type OutgoingRecord,
	type Partition,
	partitionKey,
	type RawRecord,
	type SessionListener,
} from "@polylog/core/driver";
import { type KafkaServerOptions, type RunningKafka, startKafka, createDriver, uniqueName, CREDIT } from "@polylog/integration";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { adapter, type KafkaOptions } from "../src/index.ts";

export { CREDIT, LoggedLines, quickestOfThree, take, textOf, uniqueName } from "@polylog/integration";

/** Kafka deletes whole segments, and takes none below 1 MB. */
export const SHORT_RETENTION = { bytes: 100_000 };

export function makeDriver(url: string, options: KafkaOptions = {}, log?: Log): Driver {
	return createDriver(adapter, url, options, log);
}

/** A broker and a session on it for a whole file of tests, and the broker's name in their report. */
export function useKafka(options: KafkaServerOptions = {}): { readonly broker: RunningKafka; readonly session: Session } {
	let used: { readonly broker: RunningKafka; readonly session: Session } | undefined;
	const current = () => {
		if (!used) throw new Error("the broker is started before the tests, not while they are collected");
		return used;
	};
	beforeAll(async () => {
		const broker = await startKafka(options);
		used = { broker, session: new Session(broker.url) };
	}, 180_000);
	beforeEach(({ task }) => {
		task.meta.backend = "kafka";
		task.meta.version = `Kafka ${current().broker.version}`;
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

/** Connected drivers on one broker, closed together. */
export class Session {
	readonly #url: string;
	readonly #drivers: Driver[] = [];

	constructor(url: string) {
		this.#url = url;
	}

	async driver(options: KafkaOptions = {}, url = this.#url): Promise<Driver> {
		const driver = makeDriver(url, options);
		this.#drivers.push(driver);
		await driver.connect();
		return driver;
	}

	async close(): Promise<void> {
		await Promise.all(this.#drivers.splice(0).map((driver) => driver.close()));
	}
}

/** Of now: Kafka forgets the producer of records older than a day when it starts again, and with it what it would recognize as repeats. */
export function record(text: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
	return { key: undefined, value: Buffer.from(text), headers: [], timestamp: Date.now(), ...more };
}

export function records(from: number, count: number): OutgoingRecord[] {
	return Array.from({ length: count }, (_, at) => record(`r${from + at}`));
}

export async function makeTopic(driver: Driver, partitions = 1, stem = "t"): Promise<string> {
	const topic = uniqueName(stem);
	await driver.topics.create(topic, { partitions });
	return topic;
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

	/** One attempt; the next call is for the next batch. */
	async attempt(batch: readonly OutgoingRecord[], sequence = this.sequence) {
		const outcomes = await this.#driver.append(this.#partition, batch, { id: this.id, epoch: 0, sequence });
		this.sequence = sequence + batch.length;
		return outcomes;
	}

	/** Appends and requires that all of it is stored; gives the offsets. */
	async append(batch: readonly OutgoingRecord[]): Promise<bigint[]> {
		return (await this.attempt(batch)).map((outcome) => {
			if (outcome.status !== "ok" || outcome.offset === undefined)
				throw new Error(`append: ${outcome.status}`, { cause: "error" in outcome ? outcome.error : undefined });
			return outcome.offset;
		});
	}
}

/** Everything in the partition now. */
export async function readAll(driver: Driver, partition: Partition): Promise<RawRecord[]> {
	const described = (await driver.topics.describe(partition.topic))?.partitions[partition.index];
	if (!described) throw new Error("no such partition");
	const reader = driver.openReader(partition, described.earliest);
	const found: RawRecord[] = [];
	while ((found.at(-1)?.offset ?? -1n) < described.end - 1n) found.push(...(await reader.fetch(CREDIT)));
	await reader.close();
	return found;
}

/** Deals partitions out in turn; what a member owns it keeps while that is fair. */
export const evenly: Assignor = {
	name: "sticky",
	assign({ members, topics }) {
		const all = [...topics].flatMap(([topic, count]) => Array.from({ length: count }, (_, index) => ({ topic, index })));
		const most = Math.ceil(all.length / members.length);
		const shares = new Map(members.map(({ id, owned }) => [id, owned.slice(0, most)]));
		const given = new Set([...shares.values()].flat().map(partitionKey));
		for (const partition of all) {
			if (given.has(partitionKey(partition))) continue;
			const least = [...shares.values()].sort((a, b) => a.length - b.length)[0];
			least?.push(partition);
		}
		return shares;
	},
};

/** A listener that notes what it hears, and gives up partitions when `revoking` says so. */
export class TestMember implements SessionListener {
	readonly grants = new Map<string, Grant>();
	readonly told: string[] = [];
	failure: unknown;
	session: GroupSession | undefined;
	revoking: (partitions: readonly Partition[]) => Promise<void> = async () => undefined;

	async join(coordinator: GroupCoordinator, request: Pick<JoinRequest, "group" | "topics"> & Partial<JoinRequest>): Promise<this> {
		this.session = await coordinator.join(
			{ instanceId: undefined, clientId: "test", sessionTimeoutMs: 8000, heartbeatMs: 500, assignor: evenly, ...request },
			this,
		);
		return this;
	}

	get owned(): string[] {
		return [...this.grants.keys()].sort();
	}

	assigned(grants: readonly Grant[]): void {
		for (const grant of grants) this.grants.set(partitionKey(grant.partition), grant);
		this.told.push(`assigned ${grants.map(({ partition }) => partitionKey(partition)).join()}`);
	}

	async revoked(partitions: readonly Partition[]): Promise<void> {
		this.told.push(`revoking ${partitions.map(partitionKey).join()}`);
		await this.revoking(partitions);
		for (const partition of partitions) this.grants.delete(partitionKey(partition));
		this.told.push(`revoked ${partitions.map(partitionKey).join()}`);
	}

	lost(partitions: readonly Partition[], reason: string): void {
		for (const partition of partitions) this.grants.delete(partitionKey(partition));
		this.told.push(`lost ${partitions.map(partitionKey).join()}: ${reason}`);
	}

	fatal(error: unknown): void {
		this.failure = error;
	}

	async commit(partition: Partition, offset: bigint, more: { fence?: bigint; rewind?: boolean } = {}): Promise<void> {
		const fence = more.fence ?? this.grants.get(partitionKey(partition))?.fence ?? -1n;
		await this.session?.commit({ partition, fence, offset, ...(more.rewind ? { rewind: true } : {}) });
	}

	async leave(): Promise<void> {
		await this.session?.leave({ drained: true });
	}
}

export function coordinatorOf(driver: Driver): GroupCoordinator {
	if (driver.groups.kind !== "native") throw new Error("Kafka coordinates its groups itself");
	return driver.groups.coordinator;
}

export async function until(holds: () => boolean | Promise<boolean>, what: string, withinMs = 30_000): Promise<void> {
	for (const deadline = Date.now() + withinMs; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 20))) {
		if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
	}
}

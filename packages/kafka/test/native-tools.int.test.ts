// What Kafka's own tools show of a group is what the library says of it; and what a Kafka as it comes says to a member.
import { connect, type Broker, topic } from "@polylog/core";
import { isPolylogError } from "@polylog/core/driver";
import { Kafka, logLevel } from "kafkajs";
import { beforeEach, afterEach, describe, expect, it } from "vitest";
import { adapter } from "../src/index.ts";
import { uniqueName, useKafka } from "./harness.ts";
import { runKafkaProgram } from "./kafka-programs.ts";

const kafka = useKafka({ own: true, settings: { "group.min.session.timeout.ms": "6000" } });
const PARTITIONS = 3;

/** A line of `kafka-consumer-groups --describe`; a dash, where it knows nothing, is undefined. */
interface Shown {
	readonly committed: bigint | undefined;
	readonly end: bigint;
	readonly lag: bigint | undefined;
	readonly member: string | undefined;
	readonly clientId: string | undefined;
}

async function consumerGroups(...args: readonly string[]): Promise<string> {
	// It gives up after 5 s else, and ends with 0 all the same.
	const server = ["--bootstrap-server", `127.0.0.1:${kafka.broker.port}`, "--timeout", "50000"];
	return await runKafkaProgram(kafka.broker, "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [...server, ...args]);
}

/** By partition. GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID */
async function shown(group: string): Promise<ReadonlyMap<number, Shown>> {
	const output = await consumerGroups("--describe", "--group", group);
	const number = (text: string | undefined) => (text === undefined || text === "-" ? undefined : BigInt(text));
	const told = (text: string | undefined) => (text === "-" ? undefined : text);
	return new Map(
		output
			.split("\n")
			.map((line) => line.trim().split(/\s+/))
			.filter(([name]) => name === group)
			.map(([, , index, committed, end, lag, member, , clientId]) => [
				Number(index),
				{ committed: number(committed), end: number(end) ?? -1n, lag: number(lag), member: told(member), clientId: told(clientId) },
			]),
	);
}

describe("kafka-consumer-groups", { timeout: 120_000 }, () => {
	let broker: Broker;
	beforeEach(async () => {
		broker = await connect({ url: kafka.broker.url, adapters: { kafka: adapter }, clientId: "shown" });
	});
	afterEach(() => broker.close());

	it("shows the group, its member, its offsets and its lag as the library tells them, with members and without", async () => {
		const numbers = topic<number>(uniqueName("shown"), { partitions: PARTITIONS });
		const group = broker.consumerGroup(uniqueName("g"), { topics: [numbers], from: "earliest" });
		await broker.topics.create(numbers);
		const send = (partition: number, count: number) =>
			broker.producer(numbers).sendBatch(Array.from({ length: count }, (_, value) => ({ value, partition })));
		await Promise.all([send(0, 10), send(1, 7), send(2, 3)]);

		const member = await group.join();
		let handled = 0;
		const stop = new AbortController();
		const running = member.run(() => void handled++, { signal: stop.signal, commitIntervalMs: 50 });
		await expect.poll(async () => (await group.lag()).total, { timeout: 30_000 }).toBe(0n);
		expect(handled).toBe(20);
		await expectSame(group, await shown(group.name), { member: true });

		stop.abort();
		await running;
		await member.close();
		// More than the group has seen: the lag of each partition is another one.
		await Promise.all([send(0, 4), send(1, 1)]);
		const left = await shown(group.name);
		await expectSame(group, left, { member: false });
		expect([0, 1, 2].map((index) => left.get(index)?.lag)).toEqual([4n, 1n, 0n]);
		expect((await group.lag()).total).toBe(5n);
		expect((await consumerGroups("--list")).split("\n")).toContain(group.name);
	});

	async function expectSame(
		group: ReturnType<Broker["consumerGroup"]>,
		lines: ReadonlyMap<number, Shown>,
		{ member }: { readonly member: boolean },
	): Promise<void> {
		const [{ members }, committed, lag] = await Promise.all([group.describe(), group.committed(), group.lag()]);
		expect(lines.size).toBe(PARTITIONS);
		expect(new Map([...committed].map(([{ index }, offset]) => [index, offset]))).toEqual(
			new Map([...lines].map(([index, { committed: offset }]) => [index, offset])),
		);
		for (const { partition, lag: records } of lag.partitions) expect(records).toBe(lines.get(partition.index)?.lag);
		expect(lag.total).toBe([...lines.values()].reduce((sum, line) => sum + (line.lag ?? 0n), 0n));
		expect(members.map(({ id, clientId }) => [id, clientId])).toEqual(member ? [[lines.get(0)?.member, lines.get(0)?.clientId]] : []);
	}

	it("shows no lag for the marker behind a transaction, where nothing else follows", async () => {
		const numbers = topic<number>(uniqueName("marked"), { partitions: 1 });
		const group = broker.consumerGroup(uniqueName("g"), { topics: [numbers], from: "earliest" });
		await broker.topics.create(numbers);
		const client = new Kafka({ brokers: [`127.0.0.1:${kafka.broker.port}`], logLevel: logLevel.NOTHING });
		const producer = client.producer({ transactionalId: numbers.name, maxInFlightRequests: 1, idempotent: true });
		await producer.connect();
		const transaction = await producer.transaction();
		await transaction.send({ topic: numbers.name, messages: [{ value: "1" }, { value: "2" }] });
		await transaction.commit();
		await producer.disconnect();

		const seen: number[] = [];
		await using member = await group.join();
		const running = member.run(({ value }) => void seen.push(value), { commitIntervalMs: 50 });
		await expect.poll(async () => (await group.lag()).total, { timeout: 30_000 }).toBe(0n);
		expect(seen).toEqual([1, 2]);
		const lines = await shown(group.name);
		expect(lines.get(0)).toMatchObject({ committed: 3n, end: 3n, lag: 0n });
		const read: number[] = [];
		for await (const { value } of broker.read(numbers, { to: "latest" })) read.push(value);
		expect(read).toEqual([1, 2]);
		await member.close();
		await running;
	});

	it("resets offsets that the next member goes on from", async () => {
		const numbers = topic<number>(uniqueName("reset"), { partitions: 1 });
		const group = broker.consumerGroup(uniqueName("g"), { topics: [numbers], from: "earliest" });
		await broker.topics.create(numbers);
		await broker.producer(numbers).sendBatch(Array.from({ length: 10 }, (_, value) => ({ value })));
		const handle = async (count: number): Promise<number[]> => {
			const got: number[] = [];
			const enough = new AbortController();
			await group.run(({ value }) => void (got.push(value) >= count && enough.abort()), { signal: enough.signal });
			return got;
		};
		expect(await handle(10)).toHaveLength(10);
		await consumerGroups("--reset-offsets", "--group", group.name, "--topic", numbers.name, "--to-offset", "6", "--execute");
		expect(await handle(4)).toEqual([6, 7, 8, 9]);
	});
});

describe("a Kafka as it comes", () => {
	it("refuses a session shorter than it allows, and the error says so once, with the remedy", async () => {
		await using broker = await connect({ url: kafka.broker.url, adapters: { kafka: adapter } });
		const numbers = topic<number>(uniqueName("t"), { partitions: 1 });
		await broker.topics.create(numbers);
		const error: unknown = await broker
			.consumerGroup("impatient", { topics: [numbers], from: "earliest", sessionTimeoutMs: 2500 })
			.join()
			.catch((failure: unknown) => failure);
		if (!isPolylogError(error, "CONFIG_INVALID")) throw error;
		expect(error.message).toContain("INVALID_SESSION_TIMEOUT");
		expect(error.message).toContain("sessionTimeoutMs 2500");
		expect(error.message).toContain("group.min.session.timeout.ms");
		expect(error.message.match(/joining group/g)).toHaveLength(1);
	});
});

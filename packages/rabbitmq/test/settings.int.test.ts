// What the options do on the broker, and what is not needed there.
import { freePort } from "@polylog/integration";
import { describe, expect, it } from "vitest";
import type { RabbitmqOptions } from "../src/index.ts";
import { record, records, take, TestProducer, textOf, uniqueName, until, useRabbitmq } from "./harness.ts";

const rabbitmq = useRabbitmq({ own: true });

/** A queue's arguments, as the broker tells them. */
async function argumentsOf(queue: string): Promise<string> {
	const lines = (await rabbitmq.broker.control("-q", "list_queues", "name", "arguments")).split("\n");
	const line = lines.find((each) => each.startsWith(`${queue}\t`));
	if (line === undefined) throw new Error(`no queue ${queue} in:\n${lines.join("\n")}`);
	return line;
}

async function made(options: RabbitmqOptions, retention?: { bytes?: number; ageMs?: number }): Promise<string> {
	const driver = await rabbitmq.session.driver(options);
	const topic = uniqueName("topic");
	await driver.topics.create(topic, { partitions: 2, ...(retention ? { retention } : {}) });
	return await argumentsOf(`${topic}-1`);
}

describe("the broker", () => {
	it("needs no plugin: none is active here, the management API neither", async () => {
		expect((await rabbitmq.broker.control("eval", "rabbit_plugins:active().")).trim()).toBe("[]");
		const driver = await rabbitmq.session.driver();
		const topic = uniqueName("topic");
		expect(await driver.topics.create(topic, { partitions: 2 })).toBe(true);
		expect(await driver.topics.list()).toContain(topic);
		if (driver.groups.kind !== "journal") throw new Error("expected journals");
		await driver.groups.journals.open(`${topic}-group`);
		expect(await driver.groups.journals.list()).toContain(`${topic}-group`);
		expect((await driver.topics.describe(topic))?.partitions).toHaveLength(2);
		expect(await driver.topics.delete(topic)).toBe(true);
	});
});

describe("options of streams", () => {
	it("reach the queues: replicas, retention by bytes and age, segments", async () => {
		const line = await made({ replicas: 1, retentionBytes: 400_000, retentionAgeMs: 90_500, segmentBytes: 50_000 });
		expect(line).toMatch(/"x-queue-type","stream"/);
		expect(line).toMatch(/"x-initial-cluster-size",1\}/);
		expect(line).toMatch(/"x-max-length-bytes",400000\}/);
		expect(line).toMatch(/"x-max-age","91s"/);
		expect(line).toMatch(/"x-stream-max-segment-size-bytes",50000\}/);
	});

	it("give way to the retention that a topic asks for, and set nothing that was not asked for", async () => {
		const own = await made({ retentionBytes: 400_000, retentionAgeMs: 90_000 }, { bytes: 800_000 });
		expect(own).toMatch(/"x-max-length-bytes",800000\}/);
		expect(own).not.toMatch(/x-max-age/);
		const plain = await made({});
		expect(plain).not.toMatch(/x-max-length-bytes|x-max-age|x-initial-cluster-size/);
	});

	it("reach the journals of groups: replicas and size", async () => {
		const driver = await rabbitmq.session.driver({ replicas: 1, journalBytes: 320_000 });
		if (driver.groups.kind !== "journal") throw new Error("expected journals");
		const group = uniqueName("group");
		await driver.groups.journals.open(group);
		const line = await argumentsOf(`__polylog.group.${group}`);
		expect(line).toMatch(/"x-initial-cluster-size",1\}/);
		expect(line).toMatch(/"x-max-length-bytes",320000\}/);
	});
});

describe("a list of hosts", () => {
	it("works with a dead first one, also when every connection breaks", async () => {
		const hosts = `amqp://127.0.0.1:${await freePort()},127.0.0.1:${rabbitmq.broker.port}`;
		const driver = await rabbitmq.session.driver({}, hosts);
		const partition = { topic: uniqueName("topic"), index: 0 };
		await driver.topics.create(partition.topic, { partitions: 1 });
		const producer = new TestProducer(driver, partition);
		await producer.append(records(0, 10));
		await rabbitmq.broker.control("close_all_connections", "test");
		await until("records can be appended again", async () => (await producer.outcomes([record("after")]))[0]?.status === "ok");
		const read = await until("the log can be read", () => take(driver.openReader(partition, 0n), 11).catch(() => undefined));
		expect(read.map(textOf)).toEqual([...Array.from({ length: 10 }, (_, at) => `r${at}`), "after"]);
	});

	it("of dead ones only is CONNECTION_LOST", async () => {
		const hosts = `amqp://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}`;
		const driver = rabbitmq.session.unconnected({}, hosts);
		const error: unknown = await driver.connect().catch((thrown: unknown) => thrown);
		expect(driver.classify(error).code).toBe("CONNECTION_LOST");
	});
});

describe("consumer_timeout", () => {
	it("never ends a channel over a partition that nobody reads for long: it is resumed at the exact next record", async () => {
		// Longer than a reader keeps its consumer without being asked, and looked at twice a second.
		const timeoutMs = 10_000;
		await rabbitmq.broker.control("eval", `application:set_env(rabbit, consumer_timeout, ${timeoutMs}).`);
		await rabbitmq.broker.control("eval", "application:set_env(rabbit, channel_tick_interval, 500).");
		const driver = await rabbitmq.session.driver();
		const partition = { topic: uniqueName("topic"), index: 0 };
		await driver.topics.create(partition.topic, { partitions: 1 });
		await new TestProducer(driver, partition).append(records(0, 300));
		// What a client meets that pauses by not acknowledging.
		const channel = await (await rabbitmq.session.amqp()).createChannel();
		let why: unknown;
		channel.on("error", (error: unknown) => (why = error));
		await channel.prefetch(10);
		await channel.consume(`${partition.topic}-0`, () => {}, { arguments: { "x-stream-offset": "first" } });
		const reader = driver.openReader(partition, 0n);
		const before = await take(reader, 20, { records: 20, bytes: 1_000_000 });
		await until("the broker ended the channel of the client that does not acknowledge", () => why !== undefined, 60_000);
		expect(String(why)).toMatch(/delivery acknowledgement on channel \d+ timed out/);
		// The driver's consumer began a little later; its channel would be next.
		await new Promise((resolve) => setTimeout(resolve, 2000));
		const after = await take(reader, 280);
		expect([...before, ...after].map(textOf)).toEqual(Array.from({ length: 300 }, (_, at) => `r${at}`));
		const timedOut = rabbitmq.broker.logs().match(/has timed out waiting for delivery acknowledgement/g) ?? [];
		expect(timedOut, "only the other client's").toHaveLength(1);
	});
});

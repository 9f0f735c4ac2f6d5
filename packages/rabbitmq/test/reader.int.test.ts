import type { Driver, Partition } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import type { RabbitmqOptions } from "../src/index.ts";
import { CREDIT, record, records, take, TestProducer, textOf, uniqueName, until, useRabbitmq } from "./harness.ts";

const rabbitmq = useRabbitmq();

async function filled(
	count: number,
	retention?: { bytes: number },
	options: RabbitmqOptions = {},
): Promise<{ driver: Driver; partition: Partition; producer: TestProducer }> {
	const driver = await rabbitmq.session.driver(options);
	const partition = { topic: uniqueName("topic"), index: 0 };
	await driver.topics.create(partition.topic, { partitions: 1, ...(retention ? { retention } : {}) });
	const producer = new TestProducer(driver, partition);
	if (count > 0) await producer.append(records(0, count));
	return { driver, partition, producer };
}

async function range(driver: Driver, { topic, index }: Partition): Promise<{ earliest: bigint; end: bigint }> {
	const described = (await driver.topics.describe(topic))?.partitions[index];
	if (!described) throw new Error("no such partition");
	return described;
}

describe("the end of a partition", () => {
	it("is exact after every append, on another connection", async () => {
		const { driver, partition, producer } = await filled(0);
		const other = await rabbitmq.session.driver();
		expect(await range(other, partition)).toMatchObject({ earliest: 0n, end: 0n });
		for (let count = 1; count <= 60; count++) {
			await producer.append([record(`${count}`)]);
			expect((await range(count % 2 ? other : driver, partition)).end).toBe(BigInt(count));
		}
	});
});

describe("a reader", () => {
	it("meets gaps where segments begin, and takes none for a loss", async () => {
		const { driver, partition, producer } = await filled(0, undefined, { segmentBytes: 200_000 });
		for (let batch = 0; batch < 20; batch++)
			await producer.append(
				Array.from({ length: 500 }, (_, at) => record(`${batch * 500 + at}`, { value: Buffer.alloc(300, String(at)) })),
			);
		const { end } = await range(driver, partition);
		expect(end).toBeGreaterThan(10_000n);
		const read = await take(driver.openReader(partition, 0n), 10_000);
		const offsets = read.map(({ offset }) => offset);
		expect(offsets.every((offset, at) => at === 0 || offset > (offsets[at - 1] ?? 0n))).toBe(true);
		expect(offsets.at(-1)).toBe(end - 1n);
		expect(end - 10_000n, "gaps were met").toBeGreaterThan(0n);
	});

	it("says that retention overtook it while it stood still, instead of going on behind the hole", async () => {
		const { driver, partition, producer } = await filled(100, { bytes: 40_000 });
		const reader = driver.openReader(partition, 0n);
		await take(reader, 3, { records: 3, bytes: 1_000_000 });
		await until("retention removed the beginning", async () => {
			await producer.append(records(1000, 200));
			return (await range(driver, partition)).earliest > 200n;
		});
		const seen: bigint[] = [];
		await expect(async () => {
			for (;;) for (const { offset } of await reader.fetch(CREDIT)) seen.push(offset);
		}).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
		expect(
			seen.every((offset, at) => offset === BigInt(at + 3)),
			"no hole in what it gave",
		).toBe(true);
	});

	it("goes on at the exact next record after its connection broke", async () => {
		const { driver, partition, producer } = await filled(300);
		const reader = driver.openReader(partition, 0n);
		const before = await take(reader, 120, { records: 40, bytes: 1_000_000 });
		await rabbitmq.broker.control("close_all_connections", "test");
		await until("the driver is connected again", () => driver.topics.describe(partition.topic).then(Boolean, () => false));
		await until("records can be appended again", async () => (await producer.outcomes([record("r300")]))[0]?.status === "ok");
		const after = await take(reader, 181);
		expect([...before, ...after].map(({ offset }) => offset)).toEqual(Array.from({ length: 301 }, (_, at) => BigInt(at)));
	});

	it("recognizes a topic that was deleted and made again by other means", async () => {
		const { driver, partition } = await filled(20);
		const reader = driver.openReader(partition, 0n);
		await take(reader, 20);
		const client = await rabbitmq.session.amqp();
		const channel = await client.createConfirmChannel();
		const queue = `${partition.topic}-0`;
		await channel.deleteQueue(queue);
		await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "stream" } });
		for (let at = 0; at < 30; at++) channel.sendToQueue(queue, Buffer.from(`other ${at}`));
		await channel.waitForConfirms();
		await expect(async () => {
			for (let tries = 0; tries < 20; tries++) expect(await reader.fetch(CREDIT)).toEqual([]);
		}).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
	});

	it("gives its consumer up when nobody asks, and resumes at the exact next record", async () => {
		const { driver, partition, producer } = await filled(200);
		const reader = driver.openReader(partition, 0n);
		const read = await take(reader, 10, { records: 10, bytes: 1_000_000 });
		// One of them reads the catalogue.
		const consumers = async () =>
			((await rabbitmq.broker.control("-q", "list_channels", "consumer_count")).match(/^\d+$/gm) ?? []).reduce(
				(sum, count) => sum + Number(count),
				0,
			);
		// On a busy machine rabbitmqctl takes longer than a reader may be left alone.
		let counting = true;
		const counted = consumers().finally(() => (counting = false));
		while (counting) {
			read.push(...(await reader.fetch({ records: 1, bytes: 1 })));
			await new Promise((resolve) => setTimeout(resolve, 250));
		}
		expect(await counted).toBe(2);
		await until("the consumer is cancelled", async () => (await consumers()) === 1);
		await producer.append(records(200, 5));
		read.push(...(await take(reader, 205 - read.length)));
		expect(read.map(textOf)).toEqual(Array.from({ length: 205 }, (_, at) => `r${at}`));
	});

	it("holds no more of large records than its credit and a chunk", async () => {
		const { driver, partition, producer } = await filled(0);
		for (let batch = 0; batch < 40; batch++) await producer.append([record("x", { value: Buffer.alloc(500_000) })]);
		const reader = driver.openReader(partition, 0n);
		for (let at = 0; at < 10; at++) expect(await reader.fetch({ records: 1, bytes: 1 })).toHaveLength(1);
		const underWay = (await rabbitmq.broker.control("-q", "list_channels", "messages_unacknowledged")).match(/^\d+$/gm)?.map(Number) ?? [];
		expect(Math.max(...underWay)).toBeLessThan(3);
	});
});

describe("a thousand readers", () => {
	it("share one connection and about a hundred channels", async () => {
		const { driver, partition } = await filled(10);
		const readers = Array.from({ length: 1000 }, () => driver.openReader(partition, 0n));
		const all = await Promise.all(readers.map((reader) => take(reader, 10)));
		expect(all.every((read) => read.length === 10)).toBe(true);
		let channels: number[] = [];
		// The broker may still hold some of the test before.
		await until("the driver has its four connections, and nobody else any", async () => {
			channels = (await rabbitmq.broker.control("-q", "list_connections", "channels")).match(/^\d+$/gm)?.map(Number) ?? [];
			return channels.length === 4;
		});
		expect(Math.max(...channels)).toBeLessThan(130);
	});
});

describe("foreign programs", () => {
	it("write what is read, and read what was written", async () => {
		const { driver, partition, producer } = await filled(0);
		const client = await rabbitmq.session.amqp();
		const channel = await client.createConfirmChannel();
		// Through the exchange, as to any super stream.
		channel.publish(partition.topic, "0", Buffer.from("hello"), { headers: { n: 7, text: "t" }, timestamp: 1_700_000_000 });
		await channel.waitForConfirms();
		await producer.append([
			record("back", {
				key: Buffer.from("k"),
				headers: [
					["a", "1"],
					["b", Buffer.from([0, 255])],
				],
			}),
		]);
		const [first] = await take(driver.openReader(partition, 0n), 1);
		expect(first).toMatchObject({
			offset: 0n,
			key: undefined,
			headers: [
				["n", "7"],
				["text", "t"],
			],
			timestamp: 1_700_000_000_000,
		});
		await channel.prefetch(10);
		const received = new Promise<unknown>((resolve) => {
			void channel.consume(
				`${partition.topic}-0`,
				(message) => message && resolve({ body: String(message.content), headers: message.properties.headers }),
				{ arguments: { "x-stream-offset": 1 } },
			);
		});
		expect(await received).toEqual({
			body: "back",
			headers: {
				a: "1",
				b: Buffer.from([0, 255]),
				// For RabbitMQ 4, which gives bytes in headers back as text.
				"x-polylog-headers": JSON.stringify(["a", ["b", null, "AP8="]]),
				"x-polylog-key": Buffer.from("k"),
				"x-polylog-time": 1_700_000_000_000,
				"x-stream-offset": 1,
			},
		});
	});

	it("have super streams that are opened by name", async () => {
		const channel = await (await rabbitmq.session.amqp()).createConfirmChannel();
		const topic = uniqueName("foreign");
		await channel.assertExchange(topic, "direct", { durable: true, arguments: { "x-super-stream": true } });
		for (let index = 0; index < 3; index++) {
			await channel.assertQueue(`${topic}-${index}`, { durable: true, arguments: { "x-queue-type": "stream" } });
			await channel.bindQueue(`${topic}-${index}`, topic, String(index), { "x-stream-partition-order": index });
		}
		channel.publish(topic, "2", Buffer.from("two"));
		await channel.waitForConfirms();
		const driver = await rabbitmq.session.driver();
		expect((await driver.topics.describe(topic))?.partitions.map(({ end }) => end)).toEqual([0n, 0n, 1n]);
		expect((await take(driver.openReader({ topic, index: 2 }, 0n), 1)).map(textOf)).toEqual(["two"]);
		await driver.topics.grow(topic, 4);
		expect((await driver.topics.describe(topic))?.partitions).toHaveLength(4);
	});

	it("never lose messages of a queue that is no stream", async () => {
		const channel = await (await rabbitmq.session.amqp()).createConfirmChannel();
		const topic = uniqueName("classic");
		await channel.assertQueue(`${topic}-0`, { durable: true });
		channel.sendToQueue(`${topic}-0`, Buffer.from("precious"));
		await channel.waitForConfirms();
		const driver = await rabbitmq.session.driver();
		await expect(driver.topics.describe(topic)).rejects.toBeDefined();
		await expect(driver.openReader({ topic, index: 0 }, 0n).fetch(CREDIT)).rejects.toBeDefined();
		await until("the message is back", async () => (await channel.checkQueue(`${topic}-0`)).messageCount === 1);
	});
});

// Super streams shared with pika, an AMQP client that nobody here wrote and that knows nothing of partitions.
import { type Broker, connect } from "@polylog/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reportBackend, type RunningBackend, startBackend } from "../src/backends.ts";
import { pika, type PikaMessage, type PikaValue } from "../src/clients/foreign.ts";
import { readByGroup, storedTopic } from "../src/stored-message.ts";

const BINARY = Buffer.from([0, 0xff, 0x80, 0x0a]);
const BINARY64 = BINARY.toString("base64");
const READABLE_BINARY = "0x00ff800a";
const base64 = (bytes: Uint8Array | string): PikaValue => ({ base64: Buffer.from(bytes).toString("base64") });

describe("a super stream shared with pika", { timeout: 120_000 }, () => {
	let rabbitmq: RunningBackend;
	let broker: Broker;

	beforeAll(async () => {
		rabbitmq = await startBackend("rabbitmq");
		broker = await connect(rabbitmq.url);
	}, 300_000);

	beforeEach((context) => reportBackend(context, "rabbitmq", rabbitmq));

	afterAll(async () => {
		await broker?.close();
		await rabbitmq?.[Symbol.asyncDispose]();
	});

	/** As pika gets it from the broker, without what is the broker's own. */
	async function readByPika(queue: string, count: number): Promise<PikaMessage[]> {
		const messages = await (await pika()).consume(rabbitmq.url, queue, count);
		const own = ([name]: readonly [string, PikaValue]) => name !== "x-stream-offset";
		return messages.map(({ body, headers }) => ({ body, headers: Object.fromEntries(Object.entries(headers).filter(own)) }));
	}

	it("gives a group what pika published through the exchange: partition, key, value, headers", async () => {
		const shared = storedTopic("by-pika", 3);
		await broker.topics.create(shared);
		await (
			await pika()
		).publish(rabbitmq.url, shared.name, [
			{ routingKey: "0", body: "Grüße", headers: { "x-polylog-key": "k1", b: "2", a: "1", number: 7, yes: true, bytes: base64(BINARY) } },
			{ routingKey: "2", body: base64(BINARY), headers: { "x-polylog-key": base64(BINARY) } },
			{ routingKey: "2", body: "", headers: { "x-polylog-key": "k3", "x-polylog-tombstone": true } },
			{ routingKey: "1", body: "neither key nor headers", headers: {} },
		]);
		expect(await readByGroup(broker, { name: "reads-pika", topics: [shared], count: 4 })).toEqual([
			{
				partition: 0,
				key: "k1",
				value: "Grüße",
				// A table has no order: by name, whatever is not text as text.
				headers: [
					["a", "1"],
					["b", "2"],
					["bytes", READABLE_BINARY],
					["number", "7"],
					["yes", "true"],
				],
			},
			{ partition: 1, key: null, value: "neither key nor headers", headers: [] },
			{ partition: 2, key: READABLE_BINARY, value: READABLE_BINARY, headers: [] },
			{ partition: 2, key: "k3", value: null, headers: [] },
		]);
	});

	it("opens one that pika declared, by its name, and both write to it", async () => {
		const client = await pika();
		await client.declareSuperStream(rabbitmq.url, "of-pika", 3);
		await client.publish(rabbitmq.url, "of-pika", [{ routingKey: "1", body: "from pika", headers: {} }]);
		const foreign = storedTopic("of-pika", 3);
		await broker.producer(foreign).send(Buffer.from("from polylog"), { partition: 1, headers: { a: "1" } });
		expect(await readByGroup(broker, { name: "reads-foreign", topics: [foreign], count: 2 })).toEqual([
			{ partition: 1, key: null, value: "from pika", headers: [] },
			{ partition: 1, key: null, value: "from polylog", headers: [["a", "1"]] },
		]);
		expect((await broker.topics.describe(foreign)).partitions).toHaveLength(3);
	});

	it("is read by pika as it was sent: the value as the body, headers as headers, the key in one of its own", async () => {
		const shared = storedTopic("to-pika", 2);
		const timestamp = 1_700_000_000_123;
		const producer = broker.producer(shared);
		await producer.sendBatch([
			{ partition: 1, key: "k1", value: Buffer.from("Grüße"), headers: { a: "1", b: BINARY }, timestamp },
			{ partition: 1, key: BINARY, value: BINARY, timestamp },
			{ partition: 1, key: "k3", value: null, timestamp },
			{
				partition: 1,
				value: Buffer.from("no key"),
				headers: [
					["z", "1"],
					["a", "2"],
					["z", "3"],
				],
				timestamp,
			},
		]);
		const found = await readByPika("to-pika-1", 4);
		const time = { "x-polylog-time": timestamp };
		expect(found.map(({ headers }) => headers)).toEqual([
			// Bytes that are no UTF-8 are there twice, for RabbitMQ 4, which gives bytes in headers back as text.
			{
				...time,
				"x-polylog-key": base64("k1"),
				"x-polylog-headers": JSON.stringify(["a", ["b", null, BINARY64]]),
				a: "1",
				b: base64(BINARY),
			},
			{ ...time, "x-polylog-key": base64(BINARY), "x-polylog-key64": BINARY64 },
			{ ...time, "x-polylog-key": base64("k3"), "x-polylog-tombstone": true },
			// What a table cannot say, the order and the second "z", is beside it.
			{ ...time, z: "1", a: "2", "x-polylog-headers": JSON.stringify(["z", "a", ["z", "3"]]) },
		]);
		expect(found.map(({ body }) => body)).toEqual([base64("Grüße"), base64(BINARY), base64(""), base64("no key")]);
	});
});

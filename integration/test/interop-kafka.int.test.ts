// Topics shared with Kafka clients that nobody here wrote: kcat (librdkafka) and kafka-python.
import { type Broker, connect, topic } from "@polylog/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reportBackend, type RunningBackend, startBackend } from "../src/backends.ts";
import { type Base64Record, kafkaPython, kcat } from "../src/clients/foreign.ts";
import { readableBytes, type ReadableMessage, readByGroup, storedTopic } from "../src/stored-message.ts";

/** Of several lengths and alphabets: murmur2 treats the last one to three bytes of a key apart. */
const KEYS = Array.from({ length: 200 }, (_, i) => `${["", "a", "kü", "日本", "order-"][i % 5]}${i}`);
const PARTITIONS = 7;
const BINARY = Buffer.from([0, 0xff, 0x80, 0x0a]);
const READABLE_BINARY = "0x00ff800a";

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
const readableBase64 = (text: string | null) => (text === null ? null : readableBytes(Buffer.from(text, "base64")));

describe("a topic shared with other Kafka clients", { timeout: 120_000 }, () => {
	let kafka: RunningBackend;
	let broker: Broker;
	let bootstrap: string;
	let made = 0;

	beforeAll(async () => {
		kafka = await startBackend("kafka");
		bootstrap = `${kafka.host}:${kafka.port}`;
		broker = await connect(kafka.url);
	}, 300_000);

	beforeEach((context) => reportBackend(context, "kafka", kafka));

	afterAll(async () => {
		await broker?.close();
		await kafka?.[Symbol.asyncDispose]();
	});

	async function newTopic(partitions = PARTITIONS) {
		const shared = storedTopic(`shared-${made++}`, partitions);
		await broker.topics.create(shared);
		return shared;
	}

	/** Partition by key, as our own producer chooses it. */
	async function ourPartitions(): Promise<Map<string, number>> {
		const keyed = topic<string>(`ours-${made++}`, { partitions: PARTITIONS });
		const receipts = await broker.producer(keyed).sendBatch(KEYS.map((key) => ({ key, value: key })));
		return new Map(KEYS.map((key, i) => [key, receipts[i]?.status === "ok" ? receipts[i].partition.index : -1]));
	}

	it("gives a group what kcat wrote: key, value, repeated headers, tombstone", async () => {
		const shared = await newTopic(1);
		const headers = ["-H", "trace=7", "-H", "from=kcat", "-H", "trace=8"];
		await (await kcat()).produce(bootstrap, shared.name, ["k1|Grüße", "k2|", "|no key but an empty one"], headers);
		const found = await readByGroup(broker, { name: "reads-kcat", topics: [shared], count: 3 });
		const expected: Partial<ReadableMessage> = {
			partition: 0,
			headers: [
				["trace", "7"],
				["from", "kcat"],
				["trace", "8"],
			],
		};
		expect(found).toEqual([
			{ ...expected, key: "k1", value: "Grüße" },
			{ ...expected, key: "k2", value: null },
			// kcat -Z makes an empty key none.
			{ ...expected, key: null, value: "no key but an empty one" },
		]);
	});

	it("gives a group what kafka-python wrote, bytes that are no text included", async () => {
		const shared = await newTopic(1);
		const records: Base64Record[] = [
			{
				key: base64("k1"),
				value: base64("Grüße"),
				headers: [
					["a", base64("1")],
					["b", base64(BINARY)],
					["a", base64("2")],
				],
			},
			{ key: base64(BINARY), value: null, headers: [] },
			{ key: null, value: base64(BINARY), headers: [["empty", ""]] },
		];
		const python = await kafkaPython();
		await python.produce(bootstrap, shared.name, records);
		expect(await readByGroup(broker, { name: "reads-kafka-python", topics: [shared], count: 3 })).toEqual([
			{
				partition: 0,
				key: "k1",
				value: "Grüße",
				headers: [
					["a", "1"],
					["b", READABLE_BINARY],
					["a", "2"],
				],
			},
			{ partition: 0, key: READABLE_BINARY, value: null, headers: [] },
			{ partition: 0, key: null, value: READABLE_BINARY, headers: [["empty", ""]] },
		]);
	});

	it("is read by kcat and by kafka-python as it was sent", async () => {
		const shared = await newTopic(1);
		const producer = broker.producer(shared);
		await producer.sendBatch([
			{
				key: "k1",
				value: Buffer.from("Grüße"),
				headers: [
					["trace", "7"],
					["from", "polylog"],
					["trace", "8"],
				],
			},
			{ key: "k2", value: null },
			{ value: Buffer.from("no key"), headers: { only: "one" } },
		]);
		const byKcat = await (await kcat()).consume(bootstrap, shared.name);
		expect(byKcat.map(({ key, payload, headers = [] }) => [key, payload, headers])).toEqual([
			["k1", "Grüße", ["trace", "7", "from", "polylog", "trace", "8"]],
			["k2", null, []],
			[null, "no key", ["only", "one"]],
		]);
		await producer.send(BINARY, { key: BINARY, headers: [["b", BINARY]] });
		const byPython = await (await kafkaPython()).consume(bootstrap, shared.name, 4);
		const readable = byPython.map(({ key, value, headers }) => ({
			key: readableBase64(key),
			value: readableBase64(value),
			headers: headers.map(([name, text]) => [name, readableBase64(text)]),
		}));
		expect(readable).toEqual([
			{
				key: "k1",
				value: "Grüße",
				headers: [
					["trace", "7"],
					["from", "polylog"],
					["trace", "8"],
				],
			},
			{ key: "k2", value: null, headers: [] },
			{ key: null, value: "no key", headers: [["only", "one"]] },
			{ key: READABLE_BINARY, value: READABLE_BINARY, headers: [["b", READABLE_BINARY]] },
		]);
	});

	it("has each key where kcat, told to use murmur2, has it", async () => {
		const shared = await newTopic();
		await (
			await kcat()
		).produce(
			bootstrap,
			shared.name,
			KEYS.map((key) => `${key}|${key}`),
			["-X", "partitioner=murmur2_random"],
		);
		const theirs = new Map((await (await kcat()).consume(bootstrap, shared.name)).map(({ key, partition }) => [key, partition]));
		expect(theirs).toEqual(await ourPartitions());
		expect(new Set(theirs.values()).size).toBe(PARTITIONS);
	});

	it("has each key where kafka-python has it, whose default is murmur2", async () => {
		const shared = await newTopic();
		const records = KEYS.map((key) => ({ key: base64(key), value: base64(key), headers: [] }));
		const partitions = await (await kafkaPython()).produce(bootstrap, shared.name, records);
		expect(new Map(KEYS.map((key, i) => [key, partitions[i]]))).toEqual(await ourPartitions());
	});
});

// The same key is the same partition number everywhere: Kafka's Java client is the model.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { rejectsAsMisuse } from "../expect.ts";
import { readAll } from "../reading.ts";
import { isPolylogError } from "@polylog/core/driver";

/** From org.apache.kafka.common.utils.UtilsTest; the partition is (hash & 0x7fffffff) % partitions. */
const MURMUR2_VECTORS: readonly (readonly [key: string, hash: number])[] = [
	["21", -973932308],
	["foobar", -790332482],
	["a-little-bit-long-string", -985981536],
	["a-little-bit-longer-string", -1486304829],
	["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
	["abc", 479470107],
];

/** From librdkafka's (C) and kafka-python's own tests: the same hash, unsigned, and the partition among a thousand. */
const LIBRDKAFKA_VECTORS: readonly (readonly [key: string, hash: number])[] = [
	["kafka", 0xd067cf64],
	["giberish123456789", 0x8f552b0c],
	["1234", 0x9fc97b14],
	["234", 0xe7c009ca],
	["34", 0x873930da],
	["4", 0x5a4b5ca1],
	["PreAmbleWillBeRemoved,ThePrePartThatIs", 0x78424f1c],
];
const KAFKA_PYTHON_VECTORS: readonly (readonly [key: string, among1000: number])[] = [
	["a", 524],
	["ab", 434],
	["123456789", 566],
	["\u0000 ", 742],
];

export const partitioningChecks: readonly Check[] = [
	{
		id: "partitioning.murmur2",
		promise: "a key is stored in the partition that Kafka's Java client gives it",
		async run(ctx) {
			const broker = await ctx.connect();
			for (const partitions of [3, 7, 16]) {
				const topic = await ctx.topic(broker, { partitions });
				const producer = broker.producer(topic);
				for (const [n, [key]] of MURMUR2_VECTORS.entries()) await producer.send({ n }, { key });
				for (const message of await readAll(broker, topic)) {
					const [key, hash] = MURMUR2_VECTORS[message.value.n] ?? ["", 0];
					assert.equal(message.partition.index, (hash & 0x7fffffff) % partitions, `the partition of "${key}" among ${partitions}`);
				}
			}
		},
	},
	{
		id: "partitioning.other-languages",
		promise: "a key is stored in the partition that clients in C (librdkafka) and Python give it when they are set to murmur2",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 8 });
			const producer = broker.producer(topic);
			for (const [key, hash] of LIBRDKAFKA_VECTORS)
				assert.equal((await producer.send({ n: 0 }, { key })).partition.index, (hash & 0x7fffffff) % 8, `the partition of "${key}"`);
			// 8 divides 1000, so what a thousand partitions say holds for eight.
			for (const [key, among1000] of KAFKA_PYTHON_VECTORS)
				assert.equal((await producer.send({ n: 0 }, { key })).partition.index, among1000 % 8, `the partition of ${JSON.stringify(key)}`);
		},
	},
	{
		id: "partitioning.stable-across-connections",
		promise: "contract point 3: one key is one partition, whoever sends",
		async run(ctx) {
			const [one, two] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(one, { partitions: 5 });
			const sends = Array.from({ length: 60 }, (_, n) => (n % 2 ? one : two).producer(topic).send({ n }, { key: `key-${n % 12}` }));
			await Promise.all(sends);
			const places = new Map<string, Set<number>>();
			for (const message of await readAll(one, topic)) {
				const key = message.key ?? "";
				places.set(key, (places.get(key) ?? new Set()).add(message.partition.index));
			}
			assert.equal(places.size, 12);
			for (const [key, indexes] of places) assert.equal(indexes.size, 1, `${key} is in partitions ${[...indexes].join()}`);
		},
	},
	{
		id: "partitioning.spread",
		promise: "messages without a key are spread over all partitions",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const producer = broker.producer(topic, { maxBatchRecords: 5 });
			for (let n = 0; n < 200; n++) await producer.send({ n });
			const counts = new Map<number, number>();
			for (const { partition } of await readAll(broker, topic)) counts.set(partition.index, (counts.get(partition.index) ?? 0) + 1);
			assert.equal(counts.size, 4);
			for (const count of counts.values()) assert.ok(count >= 20, `a partition got ${count} of 200`);
		},
	},
	{
		id: "partitioning.explicit-and-custom",
		promise: "an explicit partition wins over the topic's own partitioner, and that over murmur2",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4, key: (item) => `${item.n}`, partitioner: (_, partitions) => partitions - 1 });
			const producer = broker.producer(topic);
			assert.equal((await producer.send({ n: 1 })).partition.index, 3);
			assert.equal((await producer.send({ n: 2 }, { partition: 1 })).partition.index, 1);
			const stored = (await readAll(broker, topic)).map((message) => `${message.value.n} in ${message.partition.index} by ${message.key}`);
			assert.deepEqual(new Set(stored), new Set(["1 in 3 by 1", "2 in 1 by 2"]));
		},
	},
	{
		id: "partitioning.no-such-partition",
		promise: "a partition that does not exist is an error, and nothing is stored anywhere",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			await assert.rejects(
				producer.send({ n: 1 }, { partition: 3 }),
				(error) => error instanceof RangeError || isPolylogError(error, "TOPIC_NOT_FOUND"),
			);
			await rejectsAsMisuse(() => producer.send({ n: 1 }, { partition: -1 })).catch(async () => {
				await assert.rejects(producer.send({ n: 1 }, { partition: -1 }), (error) => isPolylogError(error, "TOPIC_NOT_FOUND"));
			});
			assert.deepEqual(await readAll(broker, topic), []);
		},
	},
];

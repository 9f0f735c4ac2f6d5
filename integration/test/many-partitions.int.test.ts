// A member that owns a thousand partitions must not cost a thousand connections.
import { connect, topic } from "@polylog/core";
import { startBroker } from "@polylog/integration";
import { adapter, type RedisStreamsNative } from "@polylog/redis-streams";
import { expect, it } from "vitest";

const PARTITIONS = 1000;

it(
	"takes 1,000 partitions of one member over a handful of connections, each message in its place",
	{ timeout: 60_000 },
	async ({ task }) => {
		await using redis = await startBroker("redis", { own: true });
		Object.assign(task.meta, { backend: "redis-streams", version: `Redis ${redis.version}` });
		await using broker = await connect({ url: redis.url, adapters: { redis: adapter } });
		const many = topic<number>("many", { partitions: PARTITIONS });
		const producer = broker.producer(many);
		const sent = Array.from({ length: 3 * PARTITIONS }, (_, i) => ({ value: i, partition: i % PARTITIONS }));
		const receipts = await producer.sendBatch(sent);
		expect(receipts.filter(({ status }) => status !== "ok")).toEqual([]);

		const group = broker.consumerGroup("one-member", { topics: [many], from: "earliest" });
		const seen = new Map<number, number[]>();
		const done = new AbortController();
		let left = sent.length;
		await group.run(
			({ partition, value }) => {
				seen.set(partition.index, [...(seen.get(partition.index) ?? []), value]);
				if (--left === 0) done.abort();
			},
			{ signal: done.signal, onAssigned: async (partitions) => expect(partitions).toHaveLength(PARTITIONS) },
		);
		for (let index = 0; index < PARTITIONS; index++) expect(seen.get(index)).toEqual([index, index + PARTITIONS, index + 2 * PARTITIONS]);
		expect((await group.lag()).total).toBe(0n);
		const clients = String(await broker.native<RedisStreamsNative>().client?.client("LIST"));
		expect(clients.trim().split("\n").length).toBeLessThanOrEqual(6);
	},
);

import { describe, expect, it } from "vitest";
import { records, take, TestProducer, textOf, uniqueName, servers, useRedis } from "./harness.ts";

describe.each(servers)("on $title", (provider) => {
	const redis = useRedis(provider);

	describe("topics", () => {
		it("are created once, with their partitions at 0", async () => {
			const driver = await redis.session.driver();
			const topic = uniqueName("topic");
			expect(await driver.topics.describe(topic)).toBeUndefined();
			expect(await Promise.all([driver.topics.create(topic, { partitions: 3 }), driver.topics.create(topic, { partitions: 5 })])).toEqual([
				true,
				false,
			]);
			const description = await driver.topics.describe(topic);
			expect(description).toEqual({ topic, partitions: [0, 1, 2].map((index) => ({ topic, index, earliest: 0n, end: 0n, records: 0 })) });
			expect(await driver.topics.list()).toContain(topic);
		});

		it("are seen by other processes, with their exact ends", async () => {
			const [driver, other] = [await redis.session.driver(), await redis.session.driver()];
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 2 });
			await new TestProducer(driver, { topic, index: 1 }).append(records(0, 7));
			expect((await other.topics.describe(topic))!.partitions).toMatchObject([{ end: 0n }, { earliest: 0n, end: 7n, records: 7 }]);
		});

		it("grow and never shrink; new partitions take records", async () => {
			const driver = await redis.session.driver();
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 2, retention: { records: 16 } });
			await Promise.all([driver.topics.grow(topic, 4), driver.topics.grow(topic, 5)]);
			await driver.topics.grow(topic, 3);
			expect((await driver.topics.describe(topic))!.partitions).toHaveLength(5);
			const producer = new TestProducer(driver, { topic, index: 4 });
			for (let at = 0; at < 40; at += 1) await producer.append(records(at, 1));
			expect((await driver.topics.describe(topic))!.partitions[4]!.records).toBeLessThan(20);
			await expect(driver.topics.grow(uniqueName("none"), 2)).rejects.toMatchObject({ code: "TOPIC_NOT_FOUND" });
		});

		it("are deleted whole: nothing of them is left, and made again they begin at 0", async () => {
			const driver = await redis.session.driver();
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 2 });
			await new TestProducer(driver, { topic, index: 0 }, "p").append(records(0, 3));
			expect(await driver.topics.delete(topic)).toBe(true);
			expect(await driver.topics.delete(topic)).toBe(false);
			expect(await redis.session.redis().keys(`*{${topic}:*`)).toEqual([]);
			await driver.topics.create(topic, { partitions: 2 });
			expect(await new TestProducer(driver, { topic, index: 0 }, "p").append(records(0, 3))).toEqual([0n, 1n, 2n]);
		});

		it("leave nothing behind although others describe and grow them while they are deleted", async () => {
			const drivers = await Promise.all([redis.session.driver(), redis.session.driver(), redis.session.driver()]);
			const topic = uniqueName("topic");
			for (let round = 0; round < 30; round += 1) {
				await drivers[0].topics.create(topic, { partitions: 3 });
				const described = Array.from({ length: 5 }, () => drivers[1].topics.describe(topic));
				const grown = drivers[2].topics.grow(topic, 5).catch((error: unknown) => error);
				await drivers[0].topics.delete(topic);
				await Promise.all([...described, grown]);
			}
			expect(await redis.session.redis().keys(`*{${topic}:*`)).toEqual([]);
		});

		it("of different prefixes do not meet", async () => {
			const [driver, other] = [await redis.session.driver({ prefix: "one:" }), await redis.session.driver({ prefix: "two:" })];
			const topic = uniqueName("topic");
			await driver.topics.create(topic, { partitions: 1 });
			expect(await other.topics.describe(topic)).toBeUndefined();
			await new TestProducer(driver, { topic, index: 0 }).append(records(0, 1));
			expect(await redis.session.redis().exists(`one:{${topic}:0}`)).toBe(1);
		});
	});

	describe("an adopted stream", () => {
		it("is a topic of one partition, from its first entry on, without anything being written to it", async () => {
			const key = uniqueName("foreign");
			const redisClient = redis.session.redis();
			for (let at = 0; at < 3; at += 1) await redisClient.xadd(key, "*", "n", at);
			const driver = await redis.session.driver({ adopt: { events: key } });
			const description = await driver.topics.describe("events");
			expect(description!.partitions).toHaveLength(1);
			expect((await take(driver.openReader({ topic: "events", index: 0 }, description!.partitions[0]!.earliest), 3)).map(textOf)).toEqual([
				'{"n":"0"}',
				'{"n":"1"}',
				'{"n":"2"}',
			]);
			expect(await driver.topics.list()).toContain("events");
			expect(await driver.topics.create("events", { partitions: 1 })).toBe(false);
			expect(await redisClient.keys(`*{${key}}*`)).toEqual([]);
		});

		it("takes appends, idempotent too, and is not deleted or grown", async () => {
			const key = uniqueName("foreign");
			await redis.session.redis().xadd(key, "*", "n", 0);
			const driver = await redis.session.driver({ adopt: { events: key } });
			const append = () => driver.append({ topic: "events", index: 0 }, records(0, 2), { id: "p", epoch: 0, sequence: 0 });
			expect(await append()).toEqual(await append());
			expect(await redis.session.redis().xlen(key)).toBe(3);
			await expect(driver.topics.delete("events")).rejects.toMatchObject({ code: "UNSUPPORTED" });
			await expect(driver.topics.grow("events", 2)).rejects.toMatchObject({ code: "UNSUPPORTED" });
		});

		it("that is not there is no topic until it is created or written", async () => {
			const key = uniqueName("foreign");
			const driver = await redis.session.driver({ adopt: { events: key } });
			expect(await driver.topics.describe("events")).toBeUndefined();
			await expect(driver.topics.create("events", { partitions: 2 })).rejects.toMatchObject({ code: "UNSUPPORTED" });
			expect(await driver.topics.create("events", { partitions: 1 })).toBe(true);
			expect(await driver.topics.create("events", { partitions: 1 })).toBe(false);
			expect((await driver.topics.describe("events"))!.partitions).toMatchObject([{ end: 0n }]);
		});

		it("deleted and made again under a reader is out of range", async () => {
			const key = uniqueName("foreign");
			const client = redis.session.redis();
			for (const id of ["5-1", "5-2"]) await client.xadd(key, id, "n", id);
			const driver = await redis.session.driver({ adopt: { events: key } });
			const partition = { topic: "events", index: 0 };
			const reader = driver.openReader(partition, 0n);
			await take(reader, 2);
			await client.del(key);
			for (const id of ["5-1", "6-1", "7-1"]) await client.xadd(key, id, "other", id);
			await expect(reader.fetch({ records: 10, bytes: 1e6 })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
		});
	});
});

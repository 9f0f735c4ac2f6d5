import { type Driver, isPolylogError, type Partition, type PolylogError, type Retention } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { CREDIT, quickestOfThree, record, records, take, TestProducer, textOf, uniqueName, servers, useRedis } from "./harness.ts";

describe.each(servers)("on $title", (provider) => {
	const redis = useRedis(provider);

	async function makeTopic(driver: Driver, retention?: Retention): Promise<{ partition: Partition; key: string; producer: TestProducer }> {
		const topic = uniqueName("read");
		await driver.topics.create(topic, { partitions: 1, ...(retention ? { retention } : {}) });
		const partition = { topic, index: 0 };
		return { partition, key: `{${topic}:0}`, producer: new TestProducer(driver, partition) };
	}

	/** The OFFSET_OUT_OF_RANGE that fetching ends with. */
	async function outOfRange(fetch: () => Promise<readonly unknown[]>): Promise<PolylogError> {
		for (;;) {
			try {
				await fetch();
			} catch (error) {
				if (isPolylogError(error, "OFFSET_OUT_OF_RANGE")) return error;
				throw error;
			}
		}
	}

	describe("a reader", () => {
		it("reads in order from any offset, in pages no larger than the credit", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			await producer.append(records(0, 1000));
			const reader = driver.openReader(partition, 300n);
			const pages: number[] = [];
			const texts: string[] = [];
			while (texts.length < 700) {
				const page = await reader.fetch({ records: 150, bytes: 1e9 });
				pages.push(page.length);
				texts.push(...page.map(textOf));
			}
			expect(texts).toEqual(records(300, 700).map((each) => String(each.value)));
			expect(Math.max(...pages)).toBeLessThanOrEqual(150);
		});

		it("stops after the record that passes the credit in bytes, and skips nothing by it", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			await producer.append(Array.from({ length: 40 }, (_, at) => record(`${at} ${"x".repeat(at % 2 === 0 ? 10 : 10_000)}`)));
			const reader = driver.openReader(partition, 0n);
			const seen: number[] = [];
			while (seen.length < 40) {
				const page = await reader.fetch({ records: 100, bytes: 25_000 });
				expect(page.reduce((sum, each) => sum + (each.value?.length ?? 0), 0)).toBeLessThan(36_000);
				seen.push(...page.map((each) => Number.parseInt(textOf(each), 10)));
			}
			expect(seen).toEqual(Array.from({ length: 40 }, (_, at) => at));
		});

		it("waits for the first record, and comes back empty after about a second without one", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			const reader = driver.openReader(partition, 0n);
			const started = performance.now();
			expect(await reader.fetch(CREDIT)).toEqual([]);
			expect(performance.now() - started).toBeGreaterThan(500);
			const tookMs = await quickestOfThree(async (round) => {
				const waiting = take(reader, 1);
				await new Promise((resolve) => setTimeout(resolve, 50));
				const sent = performance.now();
				await producer.append(records(round, 1));
				expect((await waiting).map(textOf)).toEqual([`r${round}`]);
				return performance.now() - sent;
			});
			// It would have come back empty after about a second.
			expect(tookMs).toBeLessThan(700);
		});

		it("ends its wait by the caller's signal, and by close", async () => {
			const driver = await redis.session.driver();
			const { partition } = await makeTopic(driver);
			const reader = driver.openReader(partition, 0n);
			const abort = new AbortController();
			const aborted = reader.fetch(CREDIT, abort.signal);
			abort.abort(new Error("enough"));
			await expect(aborted).rejects.toThrow("enough");
			const closed = reader.fetch(CREDIT);
			await reader.close();
			expect(await closed).toEqual([]);
			await expect(reader.fetch(CREDIT)).rejects.toMatchObject({ code: "CLOSED" });
		});

		it("reads entries of other programs among its own", async () => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver);
			const other = redis.session.redis();
			await producer.append(records(0, 2));
			await other.xadd(key, "*", "item", "7");
			await producer.append(records(2, 1));
			await other.xadd(key, "*", "value", "plain", "key", "k");
			const read = await take(driver.openReader(partition, 0n), 5, { records: 2, bytes: 1e6 });
			expect(read.map(textOf)).toEqual(["r0", "r1", '{"item":"7"}', "r2", "plain"]);
			expect(read.every(({ offset }, at) => at === 0 || offset > read[at - 1]!.offset)).toBe(true);
		});

		it("passes over entries that were deleted one by one, the one it read last among them", async () => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver);
			await producer.append(records(0, 6));
			const reader = driver.openReader(partition, 0n);
			await take(reader, 3);
			await redis.session.redis().xdel(key, "0-3", "0-5");
			expect((await take(reader, 2)).map(textOf)).toEqual(["r3", "r5"]);
			await producer.append(records(6, 1));
			expect((await take(reader, 1)).map(textOf)).toEqual(["r6"]);
		});

		it("stands behind deleted entries that nothing follows, and reads on from there", async () => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver);
			await producer.append(records(0, 6));
			const reader = driver.openReader(partition, 0n);
			await redis.session.redis().xdel(key, "0-5", "0-6");
			expect((await take(reader, 4)).map(textOf)).toEqual(["r0", "r1", "r2", "r3"]);
			expect(reader.position).toBe(4n);
			expect(await reader.fetch(CREDIT)).toEqual([]);
			expect(reader.position).toBe(6n);
			await producer.append(records(6, 1));
			expect((await take(reader, 1)).map(textOf)).toEqual(["r6"]);
			expect(reader.position).toBe(7n);
		});

		it("of a topic that does not exist says so", async () => {
			const driver = await redis.session.driver();
			await expect(driver.openReader({ topic: uniqueName("none"), index: 0 }, 0n).fetch(CREDIT)).rejects.toMatchObject({
				code: "TOPIC_NOT_FOUND",
			});
		});
	});

	describe("a position out of range", () => {
		it("below what is retained is an error that names the range", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver, { records: 100 });
			for (let at = 0; at < 300; at += 10) await producer.append(records(at, 10));
			const { earliest, end } = (await driver.topics.describe(partition.topic))!.partitions[0]!;
			const error = await outOfRange(() => driver.openReader(partition, earliest - 1n).fetch(CREDIT));
			expect(error.context).toMatchObject({ requested: earliest - 1n, earliest, end });
			expect((await take(driver.openReader(partition, earliest), 1)).map(textOf)).toEqual([`r${earliest}`]);
		});

		it("beyond the end is an error, the end itself is not", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			await producer.append(records(0, 3));
			expect((await outOfRange(() => driver.openReader(partition, 4n).fetch(CREDIT))).context).toMatchObject({
				requested: 4n,
				earliest: 0n,
				end: 3n,
			});
			expect(await driver.openReader(partition, 3n).fetch(CREDIT)).toEqual([]);
		});

		it.each(["our own retention", "another program's XTRIM"])("after %s overtook the reader is an error, not a skip", async (who) => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver, { records: 50 });
			await producer.append(records(0, 20));
			const reader = driver.openReader(partition, 0n);
			await take(reader, 10);
			if (who.startsWith("another")) await redis.session.redis().xtrim(key, "MAXLEN", 5);
			else for (let at = 20; at < 200; at += 10) await producer.append(records(at, 10));
			const error = await outOfRange(() => reader.fetch(CREDIT));
			expect(error.context.requested).toBe(10n);
			expect(error.message).toContain("retention removed it");
			// Nothing was skipped by failing: it stays where it is.
			await expect(reader.fetch(CREDIT)).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
		});

		it.each(["our own retention", "another program's XTRIM"])(
			"does not arise when %s took exactly what the reader had read",
			async (who) => {
				const driver = await redis.session.driver();
				const { partition, key, producer } = await makeTopic(driver, { records: 160 });
				for (let at = 0; at < 160; at += 10) await producer.append(records(at, 10));
				const reader = driver.openReader(partition, 0n);
				const other = redis.session.redis();
				await take(reader, 100);
				if (who.startsWith("another")) await other.xtrim(key, "MINID", "0-101");
				else for (let at = 160; at < 260; at += 10) await producer.append(records(at, 10));
				expect((await driver.topics.describe(partition.topic))!.partitions[0]!.earliest).toBe(100n);
				expect((await take(reader, 60)).map(textOf)).toEqual(records(100, 60).map((each) => String(each.value)));
			},
		);

		it("arises for a reader that waits before its first record, too", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver, { records: 10 });
			const reader = driver.openReader(partition, 0n);
			expect(await reader.fetch(CREDIT)).toEqual([]);
			await producer.append(records(0, 100));
			expect((await outOfRange(() => reader.fetch(CREDIT))).context.requested).toBe(0n);
		});
	});

	describe("a log made again", () => {
		it("while a reader reads is an error, even if it has grown beyond the position", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			await producer.append(records(0, 20));
			const reader = driver.openReader(partition, 0n);
			await take(reader, 10);
			await driver.topics.delete(partition.topic);
			await driver.topics.create(partition.topic, { partitions: 1 });
			// The same records: only the topic's incarnation tells.
			await new TestProducer(driver, partition).append(records(0, 40));
			expect((await outOfRange(() => reader.fetch(CREDIT))).message).toContain("made again");
		});

		it("while a reader is idle is noticed without news", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			await producer.append(records(0, 20));
			const reader = driver.openReader(partition, 0n);
			await take(reader, 20);
			expect(await reader.fetch(CREDIT)).toEqual([]);
			await driver.topics.delete(partition.topic);
			await driver.topics.create(partition.topic, { partitions: 1 });
			await new TestProducer(driver, partition).append(records(0, 3));
			expect((await outOfRange(() => reader.fetch(CREDIT))).context).toMatchObject({ requested: 20n });
		});

		it("behind our back, by deleting the key alone, is an error", async () => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver);
			await producer.append(records(0, 5));
			const reader = driver.openReader(partition, 0n);
			await take(reader, 5);
			await redis.session.redis().del(key);
			await producer.append(Array.from({ length: 9 }, (_, at) => record(`other ${at}`)));
			expect((await outOfRange(() => reader.fetch(CREDIT))).message).toContain("made again");
		});

		it("that lost its tail is an error, also once others filled its place", async () => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver);
			await producer.append(records(0, 5));
			const other = redis.session.redis();
			const dump = await other.dumpBuffer(key);
			await producer.append(records(5, 5));
			const [behind, filled] = [driver.openReader(partition, 0n), driver.openReader(partition, 0n)];
			await take(behind, 10);
			await take(filled, 10);
			// As a failover to a replica that had not got the last records.
			await other.callBuffer("RESTORE", key, 0, dump, "REPLACE");
			expect((await outOfRange(() => behind.fetch(CREDIT))).message).toContain("beyond the end");
			await producer.append(Array.from({ length: 9 }, (_, at) => record(`fork ${at}`)));
			expect((await outOfRange(() => filled.fetch(CREDIT))).message).toContain("another one by now");
		});

		it("as a deleted topic is TOPIC_NOT_FOUND", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			await producer.append(records(0, 5));
			const reader = driver.openReader(partition, 0n);
			await take(reader, 2);
			await driver.topics.delete(partition.topic);
			await expect(reader.fetch(CREDIT)).rejects.toMatchObject({ code: "TOPIC_NOT_FOUND" });
		});
	});

	describe("offsetAt", () => {
		it("finds the first record at or after a time, else the end", async () => {
			const driver = await redis.session.driver();
			const { partition, producer } = await makeTopic(driver);
			expect(await driver.offsetAt(partition, 0)).toBe(0n);
			await producer.append(Array.from({ length: 100 }, (_, at) => record(`${at}`, { timestamp: 1000 + 10 * Math.floor(at / 2) })));
			expect(await driver.offsetAt(partition, 0)).toBe(0n);
			expect(await driver.offsetAt(partition, 1000)).toBe(0n);
			expect(await driver.offsetAt(partition, 1001)).toBe(2n);
			expect(await driver.offsetAt(partition, 1490)).toBe(98n);
			expect(await driver.offsetAt(partition, 1491)).toBe(100n);
			await expect(driver.offsetAt({ topic: partition.topic, index: 7 }, 0)).rejects.toMatchObject({ code: "TOPIC_NOT_FOUND" });
		});

		it("takes the ids of other programs' entries for their time, over holes and mixed kinds", async () => {
			const driver = await redis.session.driver();
			const { partition, key, producer } = await makeTopic(driver);
			await producer.append([record("a", { timestamp: 500 }), record("b", { timestamp: 600 }), record("c", { timestamp: 700 })]);
			const other = redis.session.redis();
			for (const id of ["1000-0", "1000-1", "2000-0"]) await other.xadd(key, id, "n", id);
			await other.xdel(key, "0-2");
			const textAt = async (time: number) =>
				textOf((await take(driver.openReader(partition, await driver.offsetAt(partition, time)), 1))[0]!);
			expect(await Promise.all([0, 501, 701, 1000, 1001, 2000].map(textAt))).toEqual([
				"a",
				"c",
				'{"n":"1000-0"}',
				'{"n":"1000-0"}',
				'{"n":"2000-0"}',
				'{"n":"2000-0"}',
			]);
			expect(await driver.offsetAt(partition, 2001)).toBe((await driver.topics.describe(partition.topic))!.partitions[0]!.end);
		});
	});
});

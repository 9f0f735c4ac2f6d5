import type { AppendOutcome, Driver, JournalLog, Partition, Retention } from "@polylog/core/driver";
import { startProxy } from "@polylog/integration";
import { describe, expect, it, onTestFinished } from "vitest";
import { record, records, Session, take, TestProducer, textOf, uniqueName, servers, useRedis } from "./harness.ts";

describe.each(servers)("on $title", (provider) => {
	const redis = useRedis(provider);

	async function makeTopic(driver: Driver, retention?: Retention): Promise<Partition> {
		const topic = uniqueName("append");
		await driver.topics.create(topic, { partitions: 1, ...(retention ? { retention } : {}) });
		return { topic, index: 0 };
	}

	async function contents(driver: Driver, partition: Partition): Promise<string[]> {
		const bounds = (await driver.topics.describe(partition.topic))!.partitions[0]!;
		return (await take(driver.openReader(partition, bounds.earliest), bounds.records!)).map(textOf);
	}

	async function journalOf(driver: Driver): Promise<JournalLog> {
		const { journals } = driver.groups as Extract<Driver["groups"], { kind: "journal" }>;
		return await journals.open("g");
	}

	const statuses = (outcomes: readonly AppendOutcome[]) => [...new Set(outcomes.map(({ status }) => status))];
	const codes = (driver: Driver, outcomes: readonly AppendOutcome[]) => [
		...new Set(outcomes.map((outcome) => (outcome.status === "ok" ? "ok" : driver.classify(outcome.error).code))),
	];

	describe("append", () => {
		it("gives dense offsets, and keeps keys, binary values, tombstones and repeated headers", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			const binary = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
			const batch = [
				record("a", {
					key: binary,
					headers: [
						["h", "1"],
						["h", "2"],
						["raw", Buffer.from([0xff, 0])],
					],
				}),
				record("", { value: null, key: Buffer.from("k") }),
				record("", { value: binary }),
				record("", { value: Buffer.alloc(0), key: Buffer.alloc(0) }),
			];
			expect(await new TestProducer(driver, partition).append(batch)).toEqual([0n, 1n, 2n, 3n]);
			expect(await take(driver.openReader(partition, 0n), 4)).toEqual(batch.map((each, at) => ({ ...each, offset: BigInt(at) })));
		});

		it("stores a repeated batch once, and gives the original offsets again", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			await new TestProducer(driver, partition).append(records(100, 2));
			const append = () => driver.append(partition, records(0, 3), { id: "p", epoch: 0, sequence: 0 });
			const first = await append();
			expect(await append()).toEqual(first);
			expect(first.map((outcome) => outcome.status === "ok" && outcome.offset)).toEqual([2n, 3n, 4n]);
			expect(await contents(driver, partition)).toHaveLength(5);
		});

		it("refuses an older epoch of the producer for good, and takes a newer one", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			const append = (epoch: number, sequence: number, text: string) =>
				driver.append(partition, [record(text)], { id: "p", epoch, sequence });
			expect(statuses(await append(1, 0, "first"))).toEqual(["ok"]);
			expect(statuses(await append(2, 0, "second"))).toEqual(["ok"]);
			const stale = await append(1, 1, "stale");
			expect([statuses(stale), codes(driver, stale)]).toEqual([["failed"], ["FENCED"]]);
			expect(await contents(driver, partition)).toEqual(["first", "second"]);
		});

		it("neither stores a late copy of an older batch nor calls it failed", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			const append = (sequence: number) => driver.append(partition, records(sequence, 2), { id: "p", epoch: 0, sequence });
			await append(0);
			await append(2);
			expect(statuses(await append(0))).toEqual(["unknown"]);
			expect(await contents(driver, partition)).toEqual(["r0", "r1", "r2", "r3"]);
		});

		it("fails for a topic or a partition that does not exist, and creates nothing", async () => {
			const driver = await redis.session.driver();
			const { topic } = await makeTopic(driver);
			for (const partition of [
				{ topic, index: 1 },
				{ topic: uniqueName("none"), index: 0 },
			]) {
				const outcomes = await driver.append(partition, records(0, 1), { id: "p", epoch: 0, sequence: 0 });
				expect([statuses(outcomes), codes(driver, outcomes)]).toEqual([["failed"], ["TOPIC_NOT_FOUND"]]);
				expect(await redis.session.redis().exists(`{${partition.topic}:${partition.index}}`)).toBe(0);
			}
		});

		it("goes on after entries of other programs with time-based ids, with consecutive offsets", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			const producer = new TestProducer(driver, partition);
			await producer.append(records(0, 2));
			await redis.session.redis().xadd(`{${partition.topic}:0}`, "*", "item", "7");
			const offsets = await producer.append(records(2, 500));
			expect(offsets.every((offset, at) => at === 0 || offset === offsets[at - 1]! + 1n)).toBe(true);
			expect(await contents(driver, partition)).toEqual(["r0", "r1", '{"item":"7"}', ...records(2, 500).map((each) => String(each.value))]);
		});

		it("fails on a key that holds something else", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			await redis.session.redis().set(`{${partition.topic}:0}`, "text");
			const outcomes = await driver.append(partition, records(0, 1), { id: "p", epoch: 0, sequence: 0 });
			expect([statuses(outcomes), codes(driver, outcomes)]).toEqual([["failed"], ["CONFIG_INVALID"]]);
		});

		it("survives a server that forgot its scripts", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			const producer = new TestProducer(driver, partition);
			await producer.append(records(0, 1));
			await redis.session.redis().script("FLUSH");
			expect(await producer.append(records(1, 1))).toEqual([1n]);
		});

		it("forgets silent producers rather than growing without bound", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver);
			await Promise.all(
				Array.from({ length: 1100 }, (_, at) => driver.append(partition, records(at, 1), { id: `p${at}`, epoch: 0, sequence: 0 })),
			);
			expect(await redis.session.redis().hlen(`polylog:{${partition.topic}:0}:producers`)).toBe(1000);
			// The latest are the ones it knows.
			expect(statuses(await driver.append(partition, records(1099, 1), { id: "p1099", epoch: 0, sequence: 0 }))).toEqual(["ok"]);
			expect(await contents(driver, partition)).toHaveLength(1100);
		});
	});

	describe("append over a connection that breaks", () => {
		it.each(["before", "reply"] as const)("is unknown when cut at the %s, and stored once after the repeat", async (when) => {
			await using proxy = await startProxy(redis.broker);
			const driver = await redis.session.driver({}, `redis://127.0.0.1:${proxy.port}`);
			const partition = await makeTopic(driver);
			await new TestProducer(driver, partition).append(records(100, 1));
			const cut = proxy.cutOn("marker", when);
			const append = () => driver.append(partition, [record("marker"), record("b")], { id: "p", epoch: 0, sequence: 0 });
			const [first] = await Promise.all([append(), cut]);
			expect([statuses(first), codes(driver, first)]).toEqual([["unknown"], ["CONNECTION_LOST"]]);
			const again = async () => (await append()).map((outcome) => outcome.status === "ok" && outcome.offset);
			await expect.poll(again, { timeout: 20_000, interval: 20 }).toEqual([1n, 2n]);
			expect(await contents(driver, partition)).toEqual(["r100", "marker", "b"]);
		});

		it("does not call a batch failed that an earlier attempt may have stored", async () => {
			await using proxy = await startProxy(redis.broker);
			const driver = await redis.session.driver({}, `redis://127.0.0.1:${proxy.port}`);
			const partition = await makeTopic(driver);
			await new TestProducer(driver, partition).append(records(100, 1));
			const cut = proxy.cutOn("marker", "reply");
			const append = () => driver.append(partition, [record("marker")], { id: "p", epoch: 1, sequence: 0 });
			await Promise.all([append(), cut]);
			const other = await redis.session.driver();
			await other.append(partition, [record("newer")], { id: "p", epoch: 2, sequence: 0 });
			await expect.poll(async () => codes(driver, await append()), { timeout: 20_000, interval: 20 }).toEqual(["FENCED"]);
			expect(statuses(await append())).toEqual(["unknown"]);
			expect(await contents(driver, partition)).toEqual(["r100", "marker", "newer"]);
		});
	});

	describe("append to a Redis without memory", () => {
		it("fails as BACKPRESSURE, all or nothing, and goes on when there is room; groups go on all the time", async () => {
			const broker = await provider.start({ own: true });
			const session = new Session(broker);
			onTestFinished(async () => {
				await session.close();
				await broker.dispose();
			});
			const driver = await session.driver();
			const partition = await makeTopic(driver);
			await new TestProducer(driver, partition).append(records(0, 100));
			await session.redis().config("SET", "maxmemory", "500kb");
			const append = () => driver.append(partition, records(100, 50), { id: "p", epoch: 0, sequence: 0 });
			const outcomes = await append();
			expect([statuses(outcomes), codes(driver, outcomes)]).toEqual([["failed"], ["BACKPRESSURE"]]);
			expect(await session.redis().xlen(`{${partition.topic}:0}`)).toBe(100);

			const { journals } = driver.groups as Extract<Driver["groups"], { kind: "journal" }>;
			const journal = await journals.open("g");
			await journal.append(Buffer.from("commit"), journal.connection);
			const entries = await journal.read(undefined, 1000);
			expect(entries.map(({ bytes }) => String(bytes))).toEqual(["commit"]);
			await journal.truncateBefore(entries[0]!.position + 1n);
			expect(await journals.list()).toEqual(["g"]);

			await session.redis().config("SET", "maxmemory", "0");
			expect(statuses(await append())).toEqual(["ok"]);
			expect(await contents(driver, partition)).toHaveLength(150);
		});

		it("lets retention make the room that age has freed", async () => {
			const broker = await provider.start({ own: true });
			const session = new Session(broker);
			onTestFinished(async () => {
				await session.close();
				await broker.dispose();
			});
			const driver = await session.driver();
			const partition = await makeTopic(driver, { ageMs: 1000 });
			await new TestProducer(driver, partition).append(Array.from({ length: 500 }, () => record("x".repeat(4000))));
			await new Promise((resolve) => setTimeout(resolve, 1100));
			const admin = session.redis();
			const used = Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]);
			await admin.config("SET", "maxmemory", used - 500_000);
			const append = () => driver.append(partition, [record("after")], { id: "q", epoch: 0, sequence: 0 });
			// The first attempt is refused, and makes the driver apply retention.
			expect(codes(driver, await append())).toEqual(["BACKPRESSURE"]);
			expect(statuses(await append())).toEqual(["ok"]);
			expect(await contents(driver, partition)).toEqual(["after"]);
		});
	});

	describe("append with minReplicas", () => {
		it("is unknown until a replica has it, and then stored once; journals tell", async () => {
			const primary = await provider.start({ own: true });
			const session = new Session(primary);
			onTestFinished(async () => {
				await session.close();
				await primary.dispose();
			});
			const driver = await session.driver({ minReplicas: 1, minReplicasTimeoutMs: 100 });
			const partition = await makeTopic(driver);
			const journal = await journalOf(driver);
			const append = () => driver.append(partition, records(0, 2), { id: "p", epoch: 0, sequence: 0 });
			const alone = await append();
			expect([statuses(alone), codes(driver, alone)]).toEqual([["unknown"], ["UNAVAILABLE"]]);
			expect(await journal.append(Buffer.from("a"), journal.connection)).toEqual({ durable: false });
			await expect(journal.settled!(journal.connection)).rejects.toMatchObject({ code: "UNAVAILABLE" });

			// However many wait, they share the waiting.
			const started = performance.now();
			const many = await Promise.all(
				Array.from({ length: 100 }, (_, at) => driver.append(partition, records(at, 1), { id: `many-${at}`, epoch: 0, sequence: 0 })),
			);
			expect(statuses(many.flat())).toEqual(["unknown"]);
			// One after the other they would take ten seconds.
			expect(performance.now() - started).toBeLessThan(6000);

			await using replica = await provider.start({
				own: true,
				settings: ["--replicaof", primary.peer.host, String(primary.peer.port), "--repl-diskless-sync-delay", "0"],
			});
			await expect.poll(async () => statuses(await append()), { timeout: 20_000, interval: 100 }).toEqual(["ok"]);
			// A busy replica may need more than the 100 ms that the first one has.
			const patient = await journalOf(await session.driver({ minReplicas: 1, minReplicasTimeoutMs: 20_000 }));
			expect(await patient.append(Buffer.from("b"), patient.connection)).toEqual({ durable: true });
			expect((await contents(driver, partition)).slice(0, 2)).toEqual(["r0", "r1"]);
			expect(await contents(driver, partition)).toHaveLength(102);
			expect(replica.version).toBe(primary.version);

			// What another connection wrote may be told once the replica has it.
			const other = await journalOf(await session.driver({ minReplicas: 1, minReplicasTimeoutMs: 100 }));
			const settled = () => journal.settled!(journal.connection).then(() => true);
			await expect.poll(() => settled().catch(() => false), { timeout: 20_000 }).toBe(true);
			await replica.pause();
			expect(await other.append(Buffer.from("c"), other.connection)).toEqual({ durable: false });
			expect((await journal.read(undefined, 0)).map(({ bytes }) => String(bytes))).toEqual(["a", "b", "c"]);
			await expect(journal.settled!(journal.connection)).rejects.toMatchObject({ code: "UNAVAILABLE" });
			await replica.resume();
			await expect.poll(() => settled().catch(() => false), { timeout: 20_000 }).toBe(true);
		});
	});

	describe("retention", () => {
		const batches: readonly (readonly [string, number])[] = [
			["single records", 1],
			["small batches", 7],
			["one batch", 2000],
		];
		it.each(batches)("by count keeps the limit and at most an eighth more, for %s", async (_, size) => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver, { records: 160 });
			const producer = new TestProducer(driver, partition);
			for (let at = 0; at < 2000; at += size) await producer.append(records(at, size));
			const bounds = (await driver.topics.describe(partition.topic))!.partitions[0]!;
			expect(bounds.records).toBeGreaterThanOrEqual(160);
			expect(bounds.records).toBeLessThanOrEqual(180);
			expect(bounds.earliest).toBe(bounds.end - BigInt(bounds.records!));
			expect((await contents(driver, partition))[0]).toBe(`r${bounds.earliest}`);
		});

		it("by size keeps about the limit", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver, { bytes: 100_000 });
			const producer = new TestProducer(driver, partition);
			for (let at = 0; at < 50; at += 1) await producer.append(Array.from({ length: 10 }, () => record("x".repeat(1000))));
			const { records: kept } = (await driver.topics.describe(partition.topic))!.partitions[0]!;
			expect(kept).toBeGreaterThanOrEqual(95);
			expect(kept).toBeLessThanOrEqual(115);
		});

		it("by age empties a topic that nobody writes to any more, and says where it begins", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver, { ageMs: 100 });
			await new TestProducer(driver, partition).append(records(0, 10));
			await expect
				.poll(async () => (await driver.topics.describe(partition.topic))!.partitions[0], { timeout: 20_000 })
				.toMatchObject({ earliest: 10n, end: 10n, records: 0 });
		});

		it("by age drops the old segments of a topic in use", async () => {
			const ageMs = 500;
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver, { ageMs });
			const producer = new TestProducer(driver, partition);
			const [sentAt, storedAt]: [number[], number[]] = [[], []];
			for (let until = Infinity; performance.now() < until; until = storedAt[0]! + 3 * ageMs) {
				sentAt.push(performance.now());
				await producer.append(records(sentAt.length, 1));
				storedAt.push(performance.now());
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
			const askedAt = performance.now();
			const { earliest, end, records: kept } = (await driver.topics.describe(partition.topic))!.partitions[0]!;
			const answeredAt = performance.now();
			expect(earliest).toBeGreaterThan(0n);
			expect(kept).toBe(Number(end - earliest));
			// Redis counts whole milliseconds. A segment holds a sixteenth of the age.
			expect(answeredAt - sentAt[Number(earliest) - 1]!).toBeGreaterThan(ageMs - 5);
			// None is kept if the machine stood still for so long before it was asked.
			expect(askedAt - (storedAt[Number(earliest)] ?? askedAt)).toBeLessThan((ageMs * 17) / 16 + 5);
		});

		it("is not misled by entries that other programs added or removed", async () => {
			const driver = await redis.session.driver();
			const partition = await makeTopic(driver, { records: 100 });
			const key = `{${partition.topic}:0}`;
			const producer = new TestProducer(driver, partition);
			const other = redis.session.redis();
			await producer.append(records(0, 50));
			for (let at = 0; at < 30; at += 1) await other.xadd(key, "*", "n", at);
			await producer.append(records(50, 50));
			await other.xtrim(key, "MAXLEN", 120);
			await producer.append(records(100, 100));
			const { records: kept } = (await driver.topics.describe(partition.topic))!.partitions[0]!;
			expect(kept).toBeGreaterThanOrEqual(100);
			expect(kept).toBeLessThanOrEqual(150);
			expect(await contents(driver, partition)).toEqual(expect.arrayContaining(["r199", "r101"]));
		});
	});
});

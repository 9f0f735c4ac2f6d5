// Reading: one poll for many partitions, and none of them waits for another or fails with it.
import { isPolylogError, type Reader } from "@polylog/core/driver";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, it } from "vitest";
import {
	CREDIT,
	makeTopic,
	readAll,
	quickestOfThree,
	record,
	records,
	take,
	TestProducer,
	textOf,
	uniqueName,
	until,
	useKafka,
} from "./harness.ts";
import { allBatches, storedBatches } from "./stored-batches.ts";

const kafka = useKafka({ own: true });
/** In a record batch. */
const RECORD_COUNT_AT = 57;
/** Room for some 16 empty batches. */
const FEW_BYTES = 1024;

describe("a reader", () => {
	it("is not held up by one that is slow, or that does not ask at all", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver, 4);
		for (let index = 0; index < 4; index++) await new TestProducer(driver, { topic, index }).append(records(0, 50));
		const readers = [0, 1, 2, 3].map((index) => driver.openReader({ topic, index }, 0n));
		await readers[0]?.fetch({ records: 1, bytes: 1 });
		const started = performance.now();
		// The first one has records waiting and asks for none; the others read one at a time.
		await Promise.all(readers.slice(1).map((reader) => take(reader, 50, { records: 1, bytes: 1_000_000 })));
		// Fifty polls of half a second, if each waited for the first one.
		expect(performance.now() - started).toBeLessThan(8000);
	});

	it("that comes while a poll waits for others has its records at once", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver, 2);
		await new TestProducer(driver, { topic, index: 1 }).append(records(0, 1));
		const idle = driver.openReader({ topic, index: 0 }, 0n);
		const tookMs = await quickestOfThree(async () => {
			const waiting = idle.fetch(CREDIT);
			await new Promise((resolve) => setTimeout(resolve, 100));
			const started = performance.now();
			await take(driver.openReader({ topic, index: 1 }, 0n), 1);
			const took = performance.now() - started;
			expect(await waiting).toEqual([]);
			return took;
		});
		// A poll takes half a second.
		expect(tookMs).toBeLessThan(300);
	});

	it("reads on while other partitions of the same broker give nothing but errors", async () => {
		const driver = await kafka.session.driver();
		const [good, gone, beyond] = [await makeTopic(driver), await makeTopic(driver), await makeTopic(driver)];
		const producer = new TestProducer(driver, { topic: good, index: 0 });
		const working = driver.openReader({ topic: good, index: 0 }, 0n);
		// One error comes with every answer of the broker; the other one once, and then before it is asked.
		const failing = [driver.openReader({ topic: gone, index: 0 }, 0n), driver.openReader({ topic: beyond, index: 0 }, 7n)];
		await Promise.all([failing[0]?.fetch(CREDIT), working.fetch(CREDIT)]);
		await driver.topics.delete(gone);
		let stop = false;
		const codes = failing.map(() => new Set<string>());
		const fail = failing.map(async (reader, at) => {
			while (!stop) await reader.fetch(CREDIT).catch((error: unknown) => codes[at]?.add(driver.classify(error).code));
		});
		try {
			for (let i = 0; i < 50; i++) {
				const reading = take(working, 1);
				await producer.append([record(`r${i}`)]);
				expect((await reading).map(textOf)).toEqual([`r${i}`]);
			}
			await until(() => codes.every((seen) => seen.size > 0), "both have failed");
		} finally {
			stop = true;
		}
		await Promise.all(fail);
		expect(codes.map((seen) => [...seen])).toEqual([["TOPIC_NOT_FOUND"], ["OFFSET_OUT_OF_RANGE"]]);
	});

	it("says that a position is out of range, below and above, and never moves it by itself", async () => {
		const driver = await kafka.session.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		await new TestProducer(driver, partition).append(records(0, 10));
		const beyond = driver.openReader(partition, 11n);
		for (let i = 0; i < 2; i++) {
			const error = await beyond.fetch(CREDIT).catch((failure: unknown) => failure);
			expect(isPolylogError(error, "OFFSET_OUT_OF_RANGE") && error.context).toMatchObject({ requested: 11n, earliest: 0n, end: 10n });
		}
		expect((await take(driver.openReader(partition, 9n), 1)).map(textOf)).toEqual(["r9"]);
	});

	it("takes no record of a topic made again for one of the old topic, though offsets and name are the same", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver);
		await new TestProducer(driver, { topic, index: 0 }).append(records(0, 5));
		const reader = driver.openReader({ topic, index: 0 }, 0n);
		await take(reader, 5);
		const read: string[] = [];
		const failure = (async () => {
			for (;;) read.push(...(await reader.fetch(CREDIT)).map(textOf));
		})().catch((error: unknown) => error);
		const other = await kafka.session.driver();
		await other.topics.delete(topic);
		await other.topics.create(topic, { partitions: 1 });
		await new TestProducer(other, { topic, index: 0 }).append(Array.from({ length: 20 }, () => record("new")));
		const again = await repeatedly(reader, failure);
		expect(isPolylogError(again, "OFFSET_OUT_OF_RANGE")).toBe(true);
		expect(read).toEqual([]);
	});

	it("leaves out aborted transactions and control records, and goes on behind them", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver);
		const client = new Kafka({ brokers: [`127.0.0.1:${kafka.broker.port}`], logLevel: logLevel.NOTHING });
		const producer = client.producer({
			transactionalId: topic,
			maxInFlightRequests: 1,
			idempotent: true,
			retry: { initialRetryTime: 20, maxRetryTime: 200, retries: 100 },
		});
		await producer.connect();
		for (const [text, commit] of [
			["a", true],
			["b", false],
			["c", true],
			["d", false],
		] as const) {
			const transaction = await producer.transaction();
			await transaction.send({
				topic,
				messages: [
					{ value: `${text}1`, partition: 0 },
					{ value: `${text}2`, partition: 0 },
				],
			});
			await (commit ? transaction.commit() : transaction.abort());
		}
		await producer.disconnect();
		const reader = driver.openReader({ topic, index: 0 }, 0n);
		expect((await take(reader, 4)).map(textOf)).toEqual(["a1", "a2", "c1", "c2"]);
		await new TestProducer(driver, { topic, index: 0 }).append([record("e")]);
		expect((await take(reader, 1)).map(textOf)).toEqual(["e"]);
		const uncommitted = await kafka.session.driver({ readUncommitted: true });
		expect((await readAll(uncommitted, { topic, index: 0 })).map(textOf)).toEqual(["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2", "e"]);
	});

	it("goes on behind what compaction emptied: batches without records, as far as a whole answer of them", async () => {
		const driver = await kafka.session.driver({ fetchBytes: FEW_BYTES });
		const topic = uniqueName("compacted");
		const admin = new Kafka({ brokers: [`127.0.0.1:${kafka.broker.port}`], logLevel: logLevel.NOTHING }).admin();
		await admin.connect();
		const settings = { "cleanup.policy": "compact", "segment.ms": "1", "min.cleanable.dirty.ratio": "0.001", "max.compaction.lag.ms": "1" };
		const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
		await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1, configEntries }] });
		await admin.disconnect();
		const partition = { topic, index: 0 };
		// Of each producer Kafka keeps the last batch, for its number, though its record is gone. There are more of them than
		// an answer holds; where one has nothing else, kafkajs asks for the same ever again.
		const overwritten = 40;
		for (let i = 0; i < overwritten; i++) {
			await new TestProducer(driver, partition).append([record(`old ${i}`, { key: Buffer.from("k") })]);
		}
		await new TestProducer(driver, partition).append([record("new", { key: Buffer.from("k") })]);
		// The segment being written to is not compacted.
		await new Promise((resolve) => setTimeout(resolve, 20));
		await new TestProducer(driver, partition).append([record("last", { key: Buffer.from("other") })]);
		const emptied = async () => {
			const [few, all] = [await storedBatches(driver, topic, FEW_BYTES), await allBatches(driver, topic)];
			const empty = (batch: Buffer) => batch.readInt32BE(RECORD_COUNT_AT) === 0;
			// The cleaner may take the segments in more than one go.
			return few.length > 10 && few.every(empty) && all.filter((batch) => !empty(batch)).length === 2;
		};
		await until(emptied, "an answer holds nothing but empty batches, and the log two records", 60_000);
		const reader = driver.openReader(partition, 0n);
		const found = await take(reader, 2);
		expect(found.map((raw) => [raw.offset, textOf(raw)])).toEqual([
			[BigInt(overwritten), "new"],
			[BigInt(overwritten + 1), "last"],
		]);
	});

	it("arms no timers while nothing comes (kafkajs arms one of 1 ms on every connection for ever)", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver, 4);
		const readers = [0, 1, 2, 3].map((index) => driver.openReader({ topic, index }, 0n));
		const stop = new AbortController();
		const reading = readers.map(async (reader) => {
			while (!stop.signal.aborted) await reader.fetch(CREDIT, stop.signal).catch(() => []);
		});
		await new Promise((resolve) => setTimeout(resolve, 500));
		const original = globalThis.setTimeout;
		let armed = 0;
		const counting = (...args: Parameters<typeof setTimeout>) => {
			armed++;
			return original(...args);
		};
		globalThis.setTimeout = Object.assign(counting, original);
		try {
			await new Promise((resolve) => original(resolve, 2000));
		} finally {
			globalThis.setTimeout = original;
		}
		stop.abort(new Error("enough"));
		await Promise.all(reading);
		// A long poll twice a second, and a limit for each; one connection of kafkajs' own would arm some 1,000 a second.
		expect(armed).toBeLessThan(200);
	});

	it("costs next to nothing while nothing comes, and leaves nothing behind", async () => {
		const before = process.getActiveResourcesInfo().length;
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver, 20);
		const readers = Array.from({ length: 20 }, (_, index) => driver.openReader({ topic, index }, 0n));
		const stop = new AbortController();
		const reading = readers.map(async (reader) => {
			while (!stop.signal.aborted) await reader.fetch(CREDIT, stop.signal).catch(() => []);
		});
		await new Promise((resolve) => setTimeout(resolve, 500));
		const shares: number[] = [];
		// On a busy machine the same work costs more, and the test's own process has other work at times.
		while (shares.length < 4 && !shares.some((share) => share < 0.05)) {
			const start = process.cpuUsage();
			await new Promise((resolve) => setTimeout(resolve, 4000));
			const { user, system } = process.cpuUsage(start);
			shares.push((user + system) / 1000 / 4000);
		}
		expect(Math.min(...shares)).toBeLessThan(0.05);
		stop.abort(new Error("enough"));
		await Promise.all(reading);
		const closing = performance.now();
		await driver.close();
		// An answer that does not come is waited for for thirty.
		expect(performance.now() - closing).toBeLessThan(5000);
		await until(() => process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout").length <= before, "sockets are gone");
	});
});

/** The first failure of a reader that goes on after passing ones, as core does. */
async function repeatedly(reader: Reader, first: Promise<unknown>): Promise<unknown> {
	for (let failure = await first; ;) {
		if (isPolylogError(failure, "OFFSET_OUT_OF_RANGE")) return failure;
		await new Promise((resolve) => setTimeout(resolve, 50));
		failure = await reader.fetch(CREDIT).then(
			(found) => new Error(`${found.length} records`),
			(error: unknown) => error,
		);
		if (failure instanceof Error && failure.message.endsWith(" records") && failure.message !== "0 records") return failure;
	}
}

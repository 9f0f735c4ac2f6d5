// Reading: one poll for many partitions, and none of them waits for another or fails with it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { isPolylogError, type Reader } from "@polylog/core/driver";
import { pythonWith } from "@polylog/integration";
import { Kafka, logLevel } from "kafkajs";
import { describe, expect, it } from "vitest";
import { CREDIT, makeTopic, readAll, record, records, take, TestProducer, textOf, until, useKafka } from "./harness.ts";

const kafka = useKafka({ own: true });

describe("a reader", () => {
	it("is not held up by one that is slow, or that does not ask at all", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver, 4);
		for (let index = 0; index < 4; index++) await new TestProducer(driver, { topic, index }).append(records(0, 50));
		const readers = [0, 1, 2, 3].map((index) => driver.openReader({ topic, index }, 0n));
		await readers[0]?.fetch({ records: 1, bytes: 1 });
		const started = performance.now();
		// The first one has records waiting and asks for none; the others read one at a time.
		await Promise.all(readers.slice(1).map((reader) => take(reader, 50, { records: 5, bytes: 1_000_000 })));
		expect(performance.now() - started).toBeLessThan(2000);
	});

	it("that comes while a poll waits for others has its records at once", async () => {
		const driver = await kafka.session.driver();
		const topic = await makeTopic(driver, 2);
		await new TestProducer(driver, { topic, index: 1 }).append(records(0, 1));
		const idle = driver.openReader({ topic, index: 0 }, 0n);
		const waiting = idle.fetch(CREDIT);
		await new Promise((resolve) => setTimeout(resolve, 100));
		const started = performance.now();
		await take(driver.openReader({ topic, index: 1 }, 0n), 1);
		expect(performance.now() - started).toBeLessThan(300);
		expect(await waiting).toEqual([]);
	});

	it("reads on while another partition of the same broker gives nothing but errors", async () => {
		const driver = await kafka.session.driver();
		const [good, bad] = [await makeTopic(driver), await makeTopic(driver)];
		const producer = new TestProducer(driver, { topic: good, index: 0 });
		const failing = driver.openReader({ topic: bad, index: 0 }, 0n);
		const working = driver.openReader({ topic: good, index: 0 }, 0n);
		await Promise.all([failing.fetch(CREDIT), working.fetch(CREDIT)]);
		await driver.topics.delete(bad);
		let stop = false;
		const errors: unknown[] = [];
		const fail = (async () => {
			while (!stop) await failing.fetch(CREDIT).catch((error: unknown) => errors.push(error));
		})();
		for (let i = 0; i < 20; i++) {
			const reading = take(working, 1);
			await producer.append([record(`r${i}`)]);
			expect((await reading).map(textOf)).toEqual([`r${i}`]);
		}
		stop = true;
		await fail;
		expect(errors.length).toBeGreaterThan(0);
		for (const error of errors) expect(driver.classify(error).code).toBe("TOPIC_NOT_FOUND");
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
			retry: { initialRetryTime: 20, maxRetryTime: 200, retries: 30 },
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

	it("reads what librdkafka wrote in every codec", async () => {
		const driver = await kafka.session.driver();
		const python = await pythonWith("confluent-kafka==2.16.1");
		const topic = await makeTopic(driver);
		const script = `
import sys
from confluent_kafka import Producer
for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    p = Producer({"bootstrap.servers": sys.argv[1], "compression.type": codec, "linger.ms": 200})
    for i in range(200):
        p.produce(sys.argv[2], value=f"{codec} {i} " + "polylog " * (i % 40), key=str(i), headers=[("codec", codec.encode())])
    p.flush()
`;
		await promisify(execFile)(python, ["-c", script, `127.0.0.1:${kafka.broker.port}`, topic]);
		const found = await readAll(driver, { topic, index: 0 });
		const expected = ["none", "gzip", "snappy", "lz4", "zstd"].flatMap((codec) =>
			Array.from({ length: 200 }, (_, i) => `${codec} ${i} ${"polylog ".repeat(i % 40)}`),
		);
		expect(found.map(textOf)).toEqual(expected);
		expect(Buffer.from(found.at(-1)?.headers[0]?.[1] ?? "").toString()).toBe("zstd");
	}, 120_000);

	it("is read by librdkafka, in every codec that is written", async () => {
		const topic = await makeTopic(await kafka.session.driver());
		for (const compression of ["none", "gzip", "zstd"] as const) {
			const driver = await kafka.session.driver({ compression });
			await new TestProducer(driver, { topic, index: 0 }).append([
				record(`in ${compression}`, { key: Buffer.from("k"), headers: [["h", "1"]] }),
			]);
		}
		const script = `
import sys, json
from confluent_kafka import Consumer, TopicPartition
c = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "reader", "enable.auto.commit": False})
c.assign([TopicPartition(sys.argv[2], 0, 0)])
out = []
while len(out) < 3:
    m = c.poll(10)
    out.append([m.value().decode(), m.key().decode(), m.headers()[0][1].decode()])
print(json.dumps(out))
c.close()
`;
		const python = await pythonWith("confluent-kafka==2.16.1");
		const { stdout } = await promisify(execFile)(python, ["-c", script, `127.0.0.1:${kafka.broker.port}`, topic], { timeout: 30_000 });
		expect(JSON.parse(stdout)).toEqual(["none", "gzip", "zstd"].map((codec) => [`in ${codec}`, "k", "1"]));
	}, 120_000);

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
		const start = process.cpuUsage();
		await new Promise((resolve) => setTimeout(resolve, 4000));
		const { user, system } = process.cpuUsage(start);
		const share = (user + system) / 1000 / 4000;
		expect(share).toBeLessThan(0.05);
		stop.abort(new Error("enough"));
		await Promise.all(reading);
		const closing = performance.now();
		await driver.close();
		expect(performance.now() - closing).toBeLessThan(200);
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

// What a broker does to its clients when it dies, freezes, runs short, or is not ready. Each test has the broker to itself.
import { connect, silentLog, topic } from "@polylog/core";
import { type Driver, type JournalLog, JournalPlaceLost, type Partition, recordDigest } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { adapter } from "../src/index.ts";
import { CREDIT, record, take, TestProducer, textOf, uniqueName, until, useRabbitmq } from "./harness.ts";

const rabbitmq = useRabbitmq({ own: true });

async function topicOf(driver: Driver, partitions = 1): Promise<Partition> {
	const topic = uniqueName("topic");
	await driver.topics.create(topic, { partitions });
	return { topic, index: 0 };
}

async function journalOf(driver: Driver, group = uniqueName("group")): Promise<JournalLog> {
	if (driver.groups.kind !== "journal") throw new Error("expected journals");
	return await driver.groups.journals.open(group);
}

/** Appends numbers one after the other, again under the same sequence while it is told `unknown` or `failed`. */
class Pump {
	readonly acknowledged: string[] = [];
	readonly #producer: TestProducer;
	readonly #done: Promise<void>;
	#stop = false;

	constructor(driver: Driver, partition: Partition) {
		this.#producer = new TestProducer(driver, partition);
		this.#done = this.#run();
	}

	async #run(): Promise<void> {
		for (let next = 0; !this.#stop; next += 20) {
			const batch = Array.from({ length: 20 }, (_, at) => record(`${next + at}`));
			const { sequence } = this.#producer;
			for (let settled = false; !settled;) {
				this.#producer.sequence = sequence;
				const outcomes = await this.#producer.outcomes(batch);
				settled = outcomes.every(({ status }) => status === "ok");
				for (const [at, { status }] of outcomes.entries()) if (status === "ok") this.acknowledged.push(`${next + at}`);
				if (!settled) await new Promise((resolve) => setTimeout(resolve, 100));
			}
		}
	}

	async stop(): Promise<void> {
		this.#stop = true;
		await this.#done;
	}
}

async function everything(driver: Driver, partition: Partition): Promise<string[]> {
	const end = (await driver.topics.describe(partition.topic))?.partitions[partition.index]?.end ?? 0n;
	const reader = driver.openReader(partition, 0n);
	const texts: string[] = [];
	for (let last = -1n; last < end - 1n;) {
		const records = await reader.fetch(CREDIT);
		texts.push(...records.map(textOf));
		last = records.at(-1)?.offset ?? last;
	}
	return texts;
}

describe("kill -9 of the broker", () => {
	it("loses nothing that was acknowledged, keeps the order, and readers go on where they were", { timeout: 300_000 }, async () => {
		// What is given up while a stream recovers is stored later all the same, and again.
		const driver = await rabbitmq.session.driver({ confirmTimeoutMs: 60_000 });
		const partition = await topicOf(driver);
		const pump = new Pump(driver, partition);
		const reader = driver.openReader(partition, 0n);
		const read: string[] = [];
		let reading = true;
		const follower = (async () => {
			while (reading)
				read.push(...(await reader.fetch(CREDIT).catch(() => new Promise<[]>((resolve) => setTimeout(resolve, 50, [])))).map(textOf));
		})();
		// RabbitMQ 3.10 forgets all its streams if it is killed within the first second of the very first one's life: the
		// coordinator's name is written behind (measured; a fresh broker only).
		await new Promise((resolve) => setTimeout(resolve, 2000));
		for (let round = 0; round < 2; round++) {
			const before = pump.acknowledged.length;
			await until("records flow", () => pump.acknowledged.length > before + 500, 60_000);
			await rabbitmq.broker.kill();
			await rabbitmq.broker.start();
		}
		const before = pump.acknowledged.length;
		await until("records flow again", () => pump.acknowledged.length > before + 500, 60_000);
		await pump.stop();
		const stored = await until("the log can be read", () => everything(driver, partition).catch(() => undefined), 60_000);
		await until("the reader caught up", () => read.length >= stored.length);
		reading = false;
		await follower;
		expect(read, "the reader skipped nothing and saw nothing twice").toEqual(stored);
		const first = [...new Set(stored)];
		expect(first, "first occurrences in the order of sending").toEqual(Array.from({ length: first.length }, (_, at) => String(at)));
		const there = new Set(stored);
		expect(
			pump.acknowledged.filter((text) => !there.has(text)),
			"everything acknowledged is there",
		).toEqual([]);
		expect(stored.length - first.length, "repeats are bounded by what was under way").toBeLessThanOrEqual(2 * 20);
	});

	it("is told from a restart that lost nothing: the journal's place is proven on the new connection", { timeout: 240_000 }, async () => {
		const driver = await rabbitmq.session.driver();
		const journal = await journalOf(driver);
		await journal.append(Buffer.from("a"), journal.connection);
		await journal.append(Buffer.from("b"), journal.connection);
		const entries = await take2(journal, 2);
		const connection = journal.connection;
		await rabbitmq.broker.kill();
		await expect(journal.append(Buffer.from("x"), connection)).rejects.toBeDefined();
		await rabbitmq.broker.start();
		await until("another connection is made", () => journal.connection > connection, 60_000);
		await expect(journal.append(Buffer.from("x"), connection)).rejects.toMatchObject({ code: "CONNECTION_LOST" });
		const [, b] = entries;
		await until(
			"an append goes through",
			() =>
				journal.append(Buffer.from("c"), journal.connection).then(
					() => true,
					() => false,
				),
			60_000,
		);
		const after = await until("the journal can be read", () =>
			journal.read(b, 0).catch((error: unknown) => (error instanceof JournalPlaceLost ? Promise.reject(error) : undefined)),
		);
		expect(after.map(({ bytes }) => String(bytes))).toContain("c");
		await expect(journal.read({ position: b!.position, bytes: Buffer.from("other") }, 0)).rejects.toBeInstanceOf(JournalPlaceLost);
	});
});

async function take2(journal: JournalLog, count: number) {
	const entries = [];
	for (let cursor; entries.length < count; cursor = entries.at(-1)) entries.push(...(await journal.read(cursor, 1000)));
	return entries;
}

describe("a broker that freezes", () => {
	it("answers nothing, acknowledges nothing it did not store, and goes on when it thaws", async () => {
		const driver = await rabbitmq.session.driver({ confirmTimeoutMs: 5000 });
		const partition = await topicOf(driver);
		const producer = new TestProducer(driver, partition);
		await producer.append([record("before")]);
		await rabbitmq.broker.pause();
		const outcomes = await producer.outcomes([record("during")]);
		await rabbitmq.broker.resume();
		expect(outcomes.map(({ status }) => status)).toEqual(["unknown"]);
		await until("it works again", async () => (await producer.outcomes([record("after")]))[0]?.status === "ok", 60_000);
		const texts = await until("the log can be read", () => everything(driver, partition).catch(() => undefined), 60_000);
		expect(texts[0]).toBe("before");
		expect(texts).toContain("after");
	});
});

/** How the broker is made to run short, and out of it again. */
const ALARMS = [
	{ of: "memory", raise: ["set_vm_memory_high_watermark", "0.00001"], clear: ["set_vm_memory_high_watermark", "0.6"] },
	{ of: "disk", raise: ["set_disk_free_limit", "100000GB"], clear: ["set_disk_free_limit", "50MB"] },
];

describe.each(ALARMS)("an alarm of $of", ({ of, raise, clear }) => {
	it(
		"makes publishing BACKPRESSURE; reading, describing and the journal go on; what was under way is stored once",
		{ timeout: 240_000 },
		async () => {
			const driver = await rabbitmq.session.driver();
			const partition = await topicOf(driver);
			const producer = new TestProducer(driver, partition);
			await producer.append([record("a"), record("b")]);
			const journal = await journalOf(driver);
			await journal.append(Buffer.from("1"), journal.connection);
			await rabbitmq.broker.control(...raise);
			try {
				const stored = ["a", "b"];
				// The alarm may take a moment.
				const during = await until("publishing is refused", async () => {
					const [outcome] = await producer.outcomes([record(`n${stored.length}`)]);
					if (outcome?.status !== "ok") return outcome;
					stored.push(`n${stored.length}`);
					return undefined;
				});
				const sequence = producer.sequence - 1;
				const text = `n${stored.length}`;
				expect(during.status).toBe("unknown");
				expect(during).toMatchObject({ error: { code: "BACKPRESSURE" } });
				expect(during.status === "unknown" && String(during.error)).toMatch(new RegExp(`low on ${of}`));
				expect((await new TestProducer(driver, partition).outcomes([record("not sent")]))[0]).toMatchObject({
					status: "failed",
					error: { code: "BACKPRESSURE" },
				});
				expect((await take(driver.openReader(partition, 0n), 2)).map(textOf)).toEqual(["a", "b"]);
				for (let at = 2; at <= 6; at++)
					await until(`entry ${at} is stored`, () =>
						journal.append(Buffer.from(String(at)), journal.connection).then(
							() => true,
							() => false,
						),
					);
				expect((await take2(journal, 6)).map(({ bytes }) => String(bytes)).slice(0, 6)).toEqual(["1", "2", "3", "4", "5", "6"]);
				const [first] = await take(driver.openReader(partition, 0n), 1);
				await until("a proof is possible", () =>
					journal.prove([{ partition, offset: 0n, digest: recordDigest(first!) }], journal.connection).catch(() => false),
				);
				expect(await driver.topics.create(uniqueName("topic"), { partitions: 1 })).toBe(true);
				await rabbitmq.broker.control(...clear);
				await until("the same batch is acknowledged", async () => {
					producer.sequence = sequence;
					return (await producer.outcomes([record(text)]))[0]?.status === "ok";
				});
				expect(await everything(driver, partition)).toEqual([...stored, text]);
			} finally {
				await rabbitmq.broker.control(...clear);
			}
		},
	);
});

describe("records that no queue takes", () => {
	it("are returned, then acknowledged by the broker: and failed here, all of them, with the reason", async () => {
		const driver = await rabbitmq.session.driver();
		const partition = await topicOf(driver, 2);
		const producer = new TestProducer(driver, partition);
		await producer.append([record("there")]);
		const channel = await (await rabbitmq.session.amqp()).createChannel();
		await channel.deleteQueue(`${partition.topic}-0`);
		const outcomes = await producer.outcomes(Array.from({ length: 50 }, (_, at) => record(`${at}`)));
		// The catalogue knows the topic: so it is the node that does not, and another try may find it fit.
		expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["failed"]));
		expect(outcomes[0]).toMatchObject({ error: { code: "UNAVAILABLE", retryable: true } });
		await channel.assertQueue(`${partition.topic}-0`, { durable: true, arguments: { "x-queue-type": "stream" } });
		await until("it is stored after all", async () => {
			const [outcome] = await producer.outcomes([record("again")]);
			return outcome?.status === "ok";
		});
		expect(await everything(driver, partition)).toEqual(["again"]);
	});

	it("are sent again in their order, and all of them are there in the end", async () => {
		const warnings: string[] = [];
		const log = { ...silentLog, warn: (line: string) => void warnings.push(line) };
		const broker = await connect({ url: rabbitmq.broker.url, adapters: { amqp: adapter }, log });
		const orders = topic<number>(uniqueName("topic"), { partitions: 1 });
		await broker.topics.ensure(orders);
		const channel = await (await rabbitmq.session.amqp()).createChannel();
		const queue = `${orders.name}-0`;
		const producer = broker.producer(orders, { maxBatchRecords: 20 });
		await producer.send(-1);
		await channel.deleteQueue(queue);
		const sent = Array.from({ length: 300 }, (_, n) => producer.send(n));
		await until("returns made it leave the host twice", () => warnings.filter((line) => line.includes("knows no queue")).length >= 2);
		await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "stream" } });
		const receipts = await Promise.all(sent);
		const values: number[] = [];
		for await (const message of broker.read(orders, { to: "latest" })) values.push(message.value);
		expect(values).toEqual(Array.from({ length: 300 }, (_, n) => n));
		expect(receipts).toHaveLength(300);
		await broker.close();
	});

	it("of a topic that was deleted are TOPIC_NOT_FOUND", async () => {
		const driver = await rabbitmq.session.driver();
		const partition = await topicOf(driver);
		const producer = new TestProducer(driver, partition);
		await producer.append([record("there")]);
		await (await rabbitmq.session.driver()).topics.delete(partition.topic);
		const outcomes = await producer.outcomes([record("a"), record("b")]);
		expect(outcomes.map((outcome) => (outcome.status === "failed" ? driver.classify(outcome.error).code : outcome.status))).toEqual([
			"TOPIC_NOT_FOUND",
			"TOPIC_NOT_FOUND",
		]);
	});

	it("that are too large for AMQP fail alone; those around them are stored", async () => {
		const driver = await rabbitmq.session.driver();
		const partition = await topicOf(driver);
		const outcomes = await new TestProducer(driver, partition).outcomes([
			record("a"),
			record("x", { headers: [["h", "y".repeat(70_000)]] }),
			record("b"),
		]);
		expect(outcomes.map(({ status }) => status)).toEqual(["ok", "failed", "ok"]);
		expect(await everything(driver, partition)).toEqual(["a", "b"]);
	});
});

describe("secrets", () => {
	it("are in no error of a refused login", async () => {
		const url = rabbitmq.broker.url.replace("amqp://", "amqp://guest:canary%21@");
		const failure: unknown = await rabbitmq.session.driver({}, url).catch((error: unknown) => error);
		expect(failure).toBeInstanceOf(Error);
		const shown = `${String(failure)} ${JSON.stringify(failure, Object.getOwnPropertyNames(failure))}`;
		expect(shown).toMatch(/ACCESS_REFUSED|refused/i);
		expect(shown).not.toMatch(/canary/);
	});
});

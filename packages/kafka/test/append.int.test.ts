// Appending: what was acknowledged is in the log, once and in order, whatever happens to the answers.
import { type Proxy, type RunningKafka, startKafka, startProxy } from "@polylog/integration";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { makeTopic, readAll, record, records, Session, TestProducer, textOf, until } from "./harness.ts";

let broker: RunningKafka;
let proxy: Proxy;
let direct: Session;
let proxied: Session;

beforeAll(async () => {
	// The broker tells clients of this listener the proxy's port.
	proxy = await startProxy({
		host: "127.0.0.1",
		get port() {
			return broker.listeners.get("PROXIED") ?? 0;
		},
	});
	broker = await startKafka({
		own: true,
		listeners: [{ name: "PROXIED", protocol: "PLAINTEXT", advertisedPort: proxy.port }],
		settings: { "message.max.bytes": "200000" },
	});
	direct = new Session(broker.url);
	proxied = new Session(`kafka://localhost:${proxy.port}`);
}, 180_000);
afterEach(async () => {
	proxy.refuse(false);
	proxy.flow({ toBroker: "pass", toClient: "pass" });
	await Promise.all([direct.close(), proxied.close()]);
});
afterAll(async () => {
	await proxy.close();
	await broker.dispose();
});

describe("append", () => {
	it("tells the offset of every record, in their order", async () => {
		const driver = await direct.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		const producer = new TestProducer(driver, partition);
		expect(await producer.append(records(0, 3))).toEqual([0n, 1n, 2n]);
		expect(await producer.append(records(3, 2))).toEqual([3n, 4n]);
		expect((await readAll(driver, partition)).map(textOf)).toEqual(["r0", "r1", "r2", "r3", "r4"]);
	});

	it("keeps keys, headers that repeat, tombstones and times as they are", async () => {
		const driver = await direct.driver({ compression: "zstd" });
		const partition = { topic: await makeTopic(driver), index: 0 };
		const sent = record("v", {
			key: Buffer.from([0, 255]),
			headers: [
				["a", "1"],
				["b", Buffer.from([7])],
				["a", "2"],
			],
			timestamp: 1_234_567_890_123,
		});
		await new TestProducer(driver, partition).append([sent, record("", { value: null, key: Buffer.from("gone") })]);
		const [first, second] = await readAll(driver, partition);
		expect(first).toMatchObject({ key: Buffer.from([0, 255]), timestamp: 1_234_567_890_123 });
		expect(first?.headers.map(([name, content]) => `${name}=${Buffer.from(content).toString("latin1")}`)).toEqual([
			"a=1",
			"b=\u0007",
			"a=2",
		]);
		expect(second).toMatchObject({ value: null, key: Buffer.from("gone") });
	});

	it("loses nothing when the answer to a batch is lost and another batch follows (kafkajs' idempotent producer drops that one)", async () => {
		const driver = await proxied.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		const producer = new TestProducer(driver, partition);
		await producer.append([record("W")]);
		const sprung = proxy.cutOn("value-of-A", "reply");
		const [lost] = await producer.attempt([record("value-of-A")]);
		await sprung;
		expect(lost?.status).toBe("unknown");
		expect((await producer.attempt([record("B")])).map(({ status }) => status)).toEqual(["ok"]);
		expect((await producer.attempt([record("C")])).map(({ status }) => status)).toEqual(["ok"]);
		expect((await readAll(driver, partition)).map(textOf)).toEqual(["W", "value-of-A", "B", "C"]);
	});

	it("stores a batch once that is repeated after its answer was lost, and tells its offset", async () => {
		const driver = await proxied.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		const producer = new TestProducer(driver, partition);
		await producer.append([record("W")]);
		const sprung = proxy.cutOn("value-of-A", "reply");
		const batch = [record("value-of-A"), record("A2")];
		await producer.attempt(batch, 1);
		await sprung;
		expect(await producer.attempt(batch, 1)).toEqual([
			{ status: "ok", offset: 1n },
			{ status: "ok", offset: 2n },
		]);
		expect(await producer.append([record("B")])).toEqual([3n]);
		expect((await readAll(driver, partition)).map(textOf)).toEqual(["W", "value-of-A", "A2", "B"]);
	});

	it("calls failed what never left, and it never appears", async () => {
		const driver = await proxied.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		const producer = new TestProducer(driver, partition);
		await producer.append([record("W")]);
		proxy.refuse(true);
		await until(() => proxy.connections === 0, "the connections are cut");
		await new Promise((resolve) => setTimeout(resolve, 50));
		// A timer that is late comes before what was received meanwhile, the resets among it.
		await new Promise((resolve) => setImmediate(resolve));
		const [refused] = await producer.attempt([record("A")]);
		expect(refused?.status).toBe("failed");
		expect(driver.classify(refused?.status === "failed" ? refused.error : undefined).code).toBe("CONNECTION_LOST");
		proxy.refuse(false);
		expect(await producer.append([record("B")])).toEqual([1n]);
		expect((await readAll(driver, partition)).map(textOf)).toEqual(["W", "B"]);
	});

	it("tells which record is too large, and stores the others of the batch in order", async () => {
		const driver = await direct.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		const producer = new TestProducer(driver, partition);
		const outcomes = await producer.attempt([record("a"), record("b"), record("x".repeat(300_000)), record("c")]);
		expect(outcomes.map(({ status }) => status)).toEqual(["ok", "ok", "failed", "ok"]);
		const failed = outcomes[2];
		expect(driver.classify(failed?.status === "failed" ? failed.error : undefined)).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
		expect((await readAll(driver, partition)).map((raw) => textOf(raw).slice(0, 1))).toEqual(["a", "b", "c"]);
		expect(await producer.append([record("d")])).toEqual([3n]);
	});

	it("cuts a large append into batches the broker takes", async () => {
		const driver = await direct.driver({ maxBatchBytes: 100_000 });
		const partition = { topic: await makeTopic(driver), index: 0 };
		const offsets = await new TestProducer(driver, partition).append(
			Array.from({ length: 500 }, (_, i) => record(`${i}`.padEnd(1000, "."))),
		);
		expect(offsets).toEqual(Array.from({ length: 500 }, (_, i) => BigInt(i)));
		expect((await readAll(driver, partition)).map((raw) => Number.parseInt(textOf(raw), 10))).toEqual(
			Array.from({ length: 500 }, (_, i) => i),
		);
	});

	it("makes no topic by writing to one that is not there", async () => {
		const driver = await direct.driver();
		const [outcome] = await new TestProducer(driver, { topic: "no-such-topic", index: 0 }).attempt([record("x")]);
		expect(outcome?.status).toBe("failed");
		expect(driver.classify(outcome?.status === "failed" ? outcome.error : undefined).code).toBe("TOPIC_NOT_FOUND");
		expect(await driver.topics.list()).not.toContain("no-such-topic");
	});

	it("loses and doubles nothing over a broker that is killed and started again", async () => {
		const driver = await direct.driver();
		const topic = await makeTopic(driver, 2);
		let stop = false;
		const write = async (index: number) => {
			const producer = new TestProducer(driver, { topic, index });
			let next = 0;
			while (!stop) {
				const batch = records(next, 5);
				const sequence = next;
				// As core does: the same batch under the same number until something is known of it.
				for (;;) {
					const outcomes = await producer.attempt(batch, sequence);
					if (outcomes.every(({ status }) => status === "ok")) break;
					await new Promise((resolve) => setTimeout(resolve, 50));
				}
				next += 5;
			}
			return next;
		};
		const writing = [write(0), write(1)];
		await new Promise((resolve) => setTimeout(resolve, 500));
		await broker.kill();
		await broker.start();
		await new Promise((resolve) => setTimeout(resolve, 500));
		stop = true;
		for (const [index, count] of (await Promise.all(writing)).entries()) {
			expect(count).toBeGreaterThan(0);
			expect((await readAll(driver, { topic, index })).map(textOf)).toEqual(Array.from({ length: count }, (_, i) => `r${i}`));
		}
	});

	it("withdraws an append that was aborted before it left", async () => {
		const driver = await direct.driver();
		const partition = { topic: await makeTopic(driver), index: 0 };
		const aborted = driver.append(partition, [record("x")], { id: "p", epoch: 0, sequence: 0 }, AbortSignal.abort(new Error("no")));
		await expect(aborted).rejects.toThrow("no");
		expect(await readAll(driver, partition)).toEqual([]);
		await until(() => proxy.connections === 0, "no connection is left");
	});
});

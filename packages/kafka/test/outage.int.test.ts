// A group lives through the death and the freezing of its broker without being told to.
import { type Broker, connect, type Member, type Receipt, silentLog, topic } from "@polylog/core";
import { type RunningKafka, startKafka, sendThrough } from "@polylog/integration";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adapter } from "../src/index.ts";

const SESSION_MS = 6000;
const orders = topic<number>("orders", { partitions: 4 });

describe("a group whose broker goes away", { timeout: 240_000 }, () => {
	let kafka: RunningKafka;
	let broker: Broker;
	let members: Member<number>[];
	let runs: Promise<void>[];
	/** How often each number was handled. */
	let handled: Map<number, number>;
	let failures: unknown[];

	beforeEach(async ({ task }) => {
		kafka = await startKafka({ own: true });
		Object.assign(task.meta, { backend: "kafka", version: `Kafka ${kafka.version}` });
		broker = await connect({ url: kafka.url, adapters: { kafka: adapter }, log: silentLog });
		handled = new Map();
		failures = [];
		const group = broker.consumerGroup("billing", { topics: [orders], from: "earliest", sessionTimeoutMs: SESSION_MS });
		members = await Promise.all([group.join(), group.join()]);
		runs = members.map((member) =>
			member.run(({ value }) => void handled.set(value, (handled.get(value) ?? 0) + 1), { commitIntervalMs: 100 }),
		);
		for (const run of runs) run.catch((error: unknown) => failures.push(error));
	});

	afterEach(async () => {
		await broker.close({ deadlineMs: 5000 });
		await kafka.dispose();
	});

	async function expectAllHandled(receipts: readonly Receipt[]): Promise<void> {
		expect(receipts.filter(({ status }) => status !== "ok")).toEqual([]);
		const group = broker.consumerGroup("billing", { topics: [orders], from: "earliest" });
		await expect.poll(async () => (await group.lag()).total, { timeout: 60_000 }).toBe(0n);
		expect(receipts.flatMap((_, n) => (handled.has(n) ? [] : [n]))).toEqual([]);
		expect(failures).toEqual([]);
	}

	const repeated = () => [...handled.values()].reduce((sum, times) => sum + times - 1, 0);

	it("loses nothing and goes on by itself when the broker is killed and comes back", async () => {
		const receipts = await sendThrough(broker.producer(orders, { deliveryTimeoutMs: 120_000 }), async () => {
			await new Promise((resolve) => setTimeout(resolve, 1000));
			await kafka.kill();
			await kafka.start();
			await new Promise((resolve) => setTimeout(resolve, 500));
		});
		await expectAllHandled(receipts);
		await Promise.all(members.map((member) => member.close()));
		await Promise.all(runs);
		expect(repeated()).toBeLessThanOrEqual(2 * 4 * 1000);
	});

	it("goes on when the broker was frozen for longer than a session", async () => {
		const receipts = await sendThrough(broker.producer(orders, { deliveryTimeoutMs: 120_000 }), async () => {
			await new Promise((resolve) => setTimeout(resolve, 1000));
			await kafka.pause();
			await new Promise((resolve) => setTimeout(resolve, SESSION_MS + 2000));
			await kafka.resume();
		});
		await expectAllHandled(receipts);
		// They may share anew just now.
		await expect.poll(() => members.flatMap(({ assignment }) => assignment).length, { timeout: 30_000 }).toBe(4);
	});
});

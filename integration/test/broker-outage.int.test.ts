// A group lives through the death and the freezing of its broker without being told to.
import { type Broker, connect, type Member, type Receipt, silentLog, topic } from "@polylog/core";
import { type RunningBroker, startBroker, sendThrough } from "@polylog/integration";
import { adapter } from "@polylog/redis-streams";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const SESSION_MS = 3000;
const orders = topic<number>("orders", { partitions: 4 });

describe("a group whose broker goes away", { timeout: 120_000 }, () => {
	let redis: RunningBroker;
	let broker: Broker;
	let members: Member<number>[];
	let runs: Promise<void>[];
	/** How often each number was handled, and what the members lost. */
	let handled: Map<number, number>;
	let lost: number;

	beforeEach(async ({ task }) => {
		redis = await startBroker("redis", { own: true });
		Object.assign(task.meta, { backend: "redis-streams", version: `Redis ${redis.version}` });
		broker = await connect({ url: redis.url, adapters: { redis: adapter }, log: silentLog });
		handled = new Map();
		lost = 0;
		const group = broker.consumerGroup("billing", { topics: [orders], from: "earliest", sessionTimeoutMs: SESSION_MS });
		members = await Promise.all([group.join(), group.join()]);
		runs = members.map((member) => {
			member.on("lost", (partitions) => (lost += partitions.length));
			return member.run(({ value }) => void handled.set(value, (handled.get(value) ?? 0) + 1), { commitIntervalMs: 100 });
		});
	});

	afterEach(async () => {
		await broker.close({ deadlineMs: 5000 });
		await redis.dispose();
	});

	async function expectAllHandled(receipts: readonly Receipt[]): Promise<void> {
		const ok = receipts.flatMap(({ status }, n) => (status === "ok" ? [n] : []));
		expect(ok.length).toBe(receipts.length);
		await expect
			.poll(async () => (await broker.consumerGroup("billing", { topics: [orders], from: "earliest" }).lag()).total, { timeout: 60_000 })
			.toBe(0n);
		expect(ok.filter((n) => !handled.has(n))).toEqual([]);
	}

	const twice = () => [...handled.values()].filter((times) => times > 1).length;

	it("loses nothing and goes on by itself when the broker is killed and comes back", async () => {
		const receipts = await sendThrough(broker.producer(orders, { deliveryTimeoutMs: 30_000 }), async () => {
			await new Promise((resolve) => setTimeout(resolve, 500));
			await redis.kill();
			await new Promise((resolve) => setTimeout(resolve, 1000));
			await redis.start();
			await new Promise((resolve) => setTimeout(resolve, 500));
		});
		await expectAllHandled(receipts);
		expect(lost).toBe(0);
		expect(twice()).toBe(0);
		await Promise.all(members.map((member) => member.close()));
		await Promise.all(runs);
	});

	it("expires nobody when the broker freezes for longer than a session", async () => {
		const receipts = await sendThrough(broker.producer(orders, { deliveryTimeoutMs: 30_000 }), async () => {
			await new Promise((resolve) => setTimeout(resolve, 500));
			await redis.pause();
			await new Promise((resolve) => setTimeout(resolve, SESSION_MS + 2000));
			await redis.resume();
		});
		await expectAllHandled(receipts);
		expect(lost).toBe(0);
		expect(twice()).toBe(0);
	});
});

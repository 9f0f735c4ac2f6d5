import { setInterval as every } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Broker, connect, topic, type Topology, topologyMermaid } from "../index.ts";

const orders = topic<number>("orders", { partitions: 2 });
const mails = topic<number>("mails", { partitions: 1 });
let broker: Broker;

beforeEach(async () => {
	broker = await connect("memory:");
	await broker.topics.ensure(orders);
	await broker.topics.ensure(mails);
});
afterEach(() => broker.close({ deadlineMs: 100 }));

const numbers = (count: number) => Array.from({ length: count }, (_, value) => ({ value, partition: value % 2 }));

describe("the topology", () => {
	it("tells which producer groups feed which topics feed which consumer groups", async () => {
		await broker.producerGroup("shop", { memberId: "till-1" }).producer(orders).sendBatch(numbers(30));
		await broker.producerGroup("shop", { memberId: "till-2" }).producer(orders).sendBatch(numbers(10));
		await broker.producer(mails).send(1);
		const billing = await broker.consumerGroup("billing", { topics: [orders], from: "earliest" }).join();
		const handled = billing.run(() => {}, { commitIntervalMs: 20 });
		const watched = broker.consumerGroup("billing", { topics: [orders], from: "earliest" });
		await expect.poll(async () => (await watched.lag()).total).toBe(0n);
		const seen = await broker.topology({ watchMs: 50 });
		expect(seen).toMatchObject({
			backend: "memory",
			topics: [
				{ topic: "mails", partitions: 1, perSecond: 0 },
				{ topic: "orders", partitions: 2, perSecond: 0 },
			],
			consumerGroups: [{ group: "billing", topic: "orders", members: 1, lag: 0 }],
		});
		expect(seen.producerGroups).toEqual([
			{ group: null, topic: "mails", members: [], perSecond: 0, lastSent: expect.stringMatching(/^\d{4}-.*Z$/) },
			{ group: "shop", topic: "orders", members: ["till-1", "till-2"], perSecond: 0, lastSent: expect.any(String) },
		]);
		expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
		await billing.close();
		await handled;
	});

	it("tells rates and lag while messages flow", async () => {
		const producer = broker.producerGroup("shop").producer(orders);
		await producer.sendBatch(numbers(100));
		const slow = await broker.consumerGroup("slow", { topics: [orders], from: "earliest" }).join();
		// A quarter of what comes: the lag stays, however slow the machine is.
		const running = slow.run(() => new Promise((resolve) => setTimeout(resolve, 20)), { commitIntervalMs: 20 });
		const watched = broker.consumerGroup("slow", { topics: [orders], from: "earliest" });
		await expect.poll(async () => (await watched.lag()).total).toBeLessThan(90n);
		const stopped = new AbortController();
		const sending = (async () => {
			for await (const _ of every(10, undefined, { signal: stopped.signal })) await producer.sendBatch(numbers(4));
		})().catch(() => {});
		const { topics, producerGroups, consumerGroups } = await broker.topology({ topics: ["orders"], watchMs: 1_000 });
		stopped.abort();
		await sending;
		expect(topics.map(({ topic }) => topic)).toEqual(["orders"]);
		expect(topics[0]?.perSecond).toBeGreaterThan(0);
		expect(producerGroups[0]?.perSecond).toBeCloseTo(topics[0]?.perSecond ?? Number.NaN, 6);
		expect(consumerGroups[0]?.perSecond).toBeGreaterThan(0);
		expect(consumerGroups[0]?.lag).toBeGreaterThan(0);
		await slow.close({ deadlineMs: 1_000 });
		await running;
	});

	it("knows of a group that has only joined, and says nothing of topics that are not there", async () => {
		const idle = await broker.consumerGroup("idle", { topics: [orders], from: "earliest" }).join();
		const { topics, consumerGroups } = await broker.topology({ topics: ["orders", "nothing"], watchMs: 20 });
		expect(topics).toHaveLength(1);
		expect(consumerGroups).toMatchObject([{ group: "idle", members: 1 }]);
		await idle.close();
	});

	it("gives up when the caller says so, and refuses what cannot be", async () => {
		const stopped = new AbortController();
		const waiting = broker.topology({ signal: stopped.signal });
		stopped.abort();
		await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
		await expect(broker.topology({ watchMs: 0 })).rejects.toThrow(RangeError);
		await expect(broker.topology({ lastMessages: 0 })).rejects.toThrow(RangeError);
	});
});

describe("the drawing", () => {
	const seen: Topology = {
		backend: "memory",
		at: "2026-01-01T00:00:00.000Z",
		topics: [
			{ topic: "orders", partitions: 8, perSecond: 1_200 },
			{ topic: 'odd"]name', partitions: 1, perSecond: 0 },
		],
		producerGroups: [
			{ group: "shop", topic: "orders", members: ["a"], perSecond: 1_200 },
			{ group: null, topic: 'odd"]name', members: [], perSecond: 0 },
		],
		consumerGroups: [
			{ group: "billing", topic: "orders", members: 3, perSecond: 900, lag: 12_345 },
			{ group: "billing", topic: 'odd"]name', members: 3, perSecond: 0 },
		],
	};

	it("has a node for each group and topic, rates on the arrows, and no name that breaks it", () => {
		expect(topologyMermaid(seen)).toBe(`flowchart LR
	p0(["shop"])
	p1(["no producer group"])
	t0[("orders<br/>8 partitions")]
	t1[("odd#34;#93;name<br/>1 partition")]
	c0[["billing<br/>3 members"]]
	p0 -->|"1,200/s"| t0
	p1 -->|"0/s"| t1
	t0 -->|"900/s, lag 12,345"| c0
	t1 -->|"0/s, lag unknown"| c0
`);
	});
});

// kill -9 of the node that holds a group's journal, under load: with minReplicas nothing acknowledged is lost, nothing is
// skipped, and nobody owns what somebody else does.
import { topic } from "@polylog/core";
import { redisGroups, type RunningRedis, sendThrough, uniqueName } from "@polylog/integration";
import { reportBroker } from "@polylog/integration/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTo, contentsOf, neverHandled, WatchedGroup } from "./watched-group.ts";

const SESSION_MS = 3000;
const { cluster, sentinel } = await redisGroups();

/** A running group of servers, and the node that serves a key. */
interface Running extends AsyncDisposable {
	readonly url: string;
	readonly version: string;
	readonly how: string;
	masterOf(key: string): Promise<RunningRedis>;
}

const kinds = [
	{ provider: cluster, start: async (): Promise<Running> => await cluster.start({ nodeTimeoutMs: 1500 }) },
	{
		provider: sentinel,
		// Two replicas, so that the new primary has one.
		async start(): Promise<Running> {
			const running = await sentinel.start({ replicas: 2, downAfterMs: 1000 });
			return { ...running, masterOf: () => running.primary() };
		},
	},
];

describe.each(kinds)("on $provider.title", { timeout: 240_000 }, (kind) => {
	const { provider } = kind;
	let servers: Running | undefined;
	reportBroker("redis-streams", provider, () => servers);
	beforeAll(async () => {
		if (provider.skip === undefined) servers = await kind.start();
	});
	afterAll(() => servers?.[Symbol.asyncDispose]());

	it("a group goes on after its master was killed: all acknowledged records are there, each is handled, fences only rise", async () => {
		const running = servers!;
		const { url } = running;
		const orders = topic<number>(uniqueName("orders"), { partitions: 6 });
		const options = { minReplicas: 1, commandTimeoutMs: 2000 };
		await using broker = await connectTo(url, options);
		await broker.topics.ensure(orders);
		await using group = new WatchedGroup(uniqueName("billing"), { url, topic: orders, sessionMs: SESSION_MS, options });
		await Promise.all([group.join("A"), group.join("B")]);
		const journal = `polylog:{group:${group.name}}:journal`;
		const receipts = await sendThrough(broker.producer(orders, { deliveryTimeoutMs: 90_000 }), async () => {
			await expect.poll(() => group.dispatches.length, { timeout: 60_000 }).toBeGreaterThan(100);
			const victim = await running.masterOf(journal);
			await victim.kill();
			await expect.poll(async () => (await running.masterOf(journal)).port !== victim.port, { timeout: 60_000 }).toBe(true);
			await victim.start();
			await new Promise((resolve) => setTimeout(resolve, 1000));
		});
		expect(receipts.filter(({ status }) => status !== "ok")).toEqual([]);
		await expect.poll(() => group.lag(), { timeout: 60_000, interval: 200 }).toBe(0n);
		const contents = await contentsOf(broker, orders);
		expect([...contents.values()].toSorted((a, b) => a - b)).toEqual(receipts.map((_, n) => n));
		expect(neverHandled(contents, group.dispatches)).toEqual([]);
		expect(group.violations()).toEqual([]);
		expect(group.stuck).toEqual([]);
	});
});

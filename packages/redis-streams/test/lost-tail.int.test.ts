// A failover to a replica that lacks the latest writes (F32): dense offsets are used again for other records, so the loss
// must be noticed by proof. Nothing is skipped in silence, and no fence comes again.
import { topic } from "@polylog/core";
import { redisGroups, type RunningRedis, uniqueName } from "@polylog/integration";
import { reportBroker } from "@polylog/integration/vitest";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { connectTo, contentsOf, type Dispatch, neverHandled, WatchedGroup } from "./watched-group.ts";

const SESSION_MS = 3000;
const { cluster, sentinel } = await redisGroups();

/** From now on its replicas get nothing of it; they stay what they are. */
async function cutReplication({ host, port }: RunningRedis): Promise<void> {
	const admin = new Redis(port, host, { protocol: 2 });
	await admin.call("ACL", "SETUSER", "default", "-psync", "-sync");
	await admin.call("CLIENT", "KILL", "TYPE", "replica");
	admin.disconnect();
}

describe(`on ${sentinel.title}`, { timeout: 240_000 }, () => {
	let used: { readonly version: string; readonly how: string } | undefined;
	reportBroker("redis-streams", sentinel, () => used);

	it("a failover that loses the last writes of data and journal, a join among them, is noticed: fences rise, all that is there is handled", async ({
		task,
	}) => {
		// The commits go with the tail of the journal.
		task.meta.historyMayBreak = ["duplicate", "reset-without-policy"];
		await using servers = await sentinel.start();
		used = servers;
		const { url } = servers;
		const orders = topic<number>(uniqueName("orders"), { partitions: 4 });
		await using broker = await connectTo(url);
		await broker.topics.ensure(orders);
		const producer = broker.producer(orders, { deliveryTimeoutMs: 60_000 });
		const send = async (from: number, count: number) => {
			const receipts = await producer.sendBatch(Array.from({ length: count }, (_, at) => ({ value: from + at, partition: at % 4 })));
			expect(receipts.filter(({ status }) => status !== "ok")).toEqual([]);
		};
		await using group = new WatchedGroup(uniqueName("billing"), { url, topic: orders, sessionMs: SESSION_MS });
		await Promise.all([group.join("A"), group.join("B")]);
		await send(0, 400);
		await expect.poll(() => group.lag(), { timeout: 40_000 }).toBe(0n);
		const victim = await servers.primary();
		await cutReplication(victim);
		await send(1000, 100);
		const third = await group.join("C");
		await expect.poll(() => third.assignment.length, { timeout: 40_000 }).toBeGreaterThan(0);
		await send(1100, 8);
		await expect.poll(() => group.lag(), { timeout: 40_000 }).toBe(0n);
		const before = [...group.dispatches];
		expect(before.some(({ member }) => member === "C")).toBe(true);
		await victim.kill();
		await expect
			.poll(async () => [undefined, victim.port].includes((await servers.agreedPrimary())?.port), { timeout: 60_000 })
			.toBe(false);
		await send(2000, 200);
		await expect
			.poll(async () => neverHandled(await contentsOf(broker, orders), group.dispatches), { timeout: 60_000, interval: 300 })
			.toEqual([]);
		const values = [...(await contentsOf(broker, orders)).values()];
		// The test has done what it says: something acknowledged is gone, and its offsets are used again.
		expect(values.filter((value) => value >= 1000 && value < 2000)).toEqual([]);
		expect(values.filter((value) => value >= 2000)).toHaveLength(200);
		expect(group.lost.length).toBeGreaterThan(0);
		expect(group.violations()).toEqual([]);
		const highest = highestFences(before);
		for (const { partition, fence } of group.dispatches.slice(before.length)) expect(fence).toBeGreaterThan(highest.get(partition)!);
	});
});

describe(`on ${cluster.title}`, { timeout: 240_000 }, () => {
	let used: { readonly version: string; readonly how: string } | undefined;
	reportBroker("redis-streams", cluster, () => used);

	it("a partition that lost processed records, its group's journal being elsewhere, is out of range, for its owner and the next one", async () => {
		await using servers = await cluster.start();
		used = servers;
		const { url } = servers;
		const [orders, groupName] = await apart((key) => servers.masterOf(key));
		await using broker = await connectTo(url);
		await broker.topics.ensure(orders);
		const producer = broker.producer(orders, { deliveryTimeoutMs: 60_000 });
		const send = (from: number, count: number) => producer.sendBatch(Array.from({ length: count }, (_, at) => ({ value: from + at })));
		await using group = new WatchedGroup(groupName, { url, topic: orders, sessionMs: SESSION_MS });
		const member = await group.join("A");
		await send(0, 50);
		await expect.poll(() => group.lag(), { timeout: 40_000 }).toBe(0n);
		const victim = await servers.masterOf(`{${orders.name}:0}`);
		await cutReplication(victim);
		await send(1000, 100);
		await expect.poll(() => group.lag(), { timeout: 40_000 }).toBe(0n);
		const before = group.dispatches.length;
		expect(before).toBe(150);
		await victim.kill();
		await expect.poll(async () => (await servers.masterOf(`{${orders.name}:0}`)).port !== victim.port, { timeout: 60_000 }).toBe(true);
		// More than were lost: by its offset alone, the group's place looks sound.
		expect((await send(2000, 200)).filter(({ status }) => status !== "ok")).toEqual([]);
		const outOfRange = (who: string) => group.stuck.some(({ member, error }) => member === who && error.code === "OFFSET_OUT_OF_RANGE");
		await expect.poll(() => outOfRange("A"), { timeout: 60_000 }).toBe(true);
		await member.close();
		await group.join("B");
		await expect.poll(() => outOfRange("B"), { timeout: 60_000 }).toBe(true);
		expect(group.dispatches.length).toBe(before);
		await group.on(broker).reset({ offset: 50n }, { force: true });
		await expect
			.poll(async () => neverHandled(await contentsOf(broker, orders), group.dispatches), { timeout: 60_000, interval: 300 })
			.toEqual([]);
		expect(group.violations()).toEqual([]);
	});
});

/** A topic of one partition and a group whose keys lie with different masters. */
async function apart(masterOf: (key: string) => Promise<RunningRedis>) {
	const orders = topic<number>(uniqueName("orders"), { partitions: 1 });
	const home = await masterOf(`{${orders.name}:0}`);
	for (;;) {
		const group = uniqueName("billing");
		if ((await masterOf(`polylog:{group:${group}}:journal`)) !== home) return [orders, group] as const;
	}
}

function highestFences(dispatches: readonly Dispatch[]): ReadonlyMap<number, bigint> {
	const highest = new Map<number, bigint>();
	for (const { partition, fence } of dispatches) if (fence > (highest.get(partition) ?? -1n)) highest.set(partition, fence);
	return highest;
}

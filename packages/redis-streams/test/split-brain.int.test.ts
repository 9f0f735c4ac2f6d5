// A primary that sentinels and replicas no longer reach, while some clients still do: two primaries. By access lists, which
// need no firewall: the default user, as which sentinels and replicas come, may do nothing there any more.
import { topic } from "@polylog/core";
import { redisGroups, uniqueName } from "@polylog/integration";
import { reportBroker } from "@polylog/integration/vitest";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectTo, type Dispatch, WatchedGroup } from "./watched-group.ts";

const SESSION_MS = 3000;
const PARTITIONS = 4;
/** How much longer there are two primaries, once the new one has an owner for every partition. */
const SPLIT_MS = 4000;
const RECORDS = 6000;
const APP = ["--user", "app", "on", ">pw", "~*", "&*", "+@all"];
const { sentinel: provider } = await redisGroups();

describe(`a split brain on ${provider.title}`, { timeout: 300_000 }, () => {
	let used: { readonly version: string; readonly how: string } | undefined;
	reportBroker("redis-streams", provider, () => used);

	it("without minReplicas has two owners of each partition, for as long as it lasts", async ({ annotate, task }) => {
		// Two groups on two forks of one log.
		task.meta.historyMayBreak = ["duplicate", "reset-without-policy", "double-owner", "stale-commit-accepted", "commit-regression"];
		const { overlaps, splitMs } = await split(0);
		await annotate(`both worked a partition for ${overlaps.map((ms) => Math.round(ms)).join(", ")} ms of ${Math.round(splitMs)}`);
		expect(overlaps).toHaveLength(PARTITIONS);
	});

	it("with minReplicas never has two owners: those on the old primary stop before others begin", async ({ annotate, task }) => {
		// What the old primary took and had not replicated is lost, commits among it.
		task.meta.historyMayBreak = ["duplicate", "reset-without-policy"];
		const { group, overlaps, stoppedAfterMs, takenOverAfterMs } = await split(1);
		await annotate(
			`the old side stopped ${Math.round(stoppedAfterMs)} ms after the cut, the new one began after ${Math.round(takenOverAfterMs)} ms`,
		);
		expect(overlaps).toEqual([]);
		expect(group.violations()).toEqual([]);
		expect(stoppedAfterMs).toBeLessThan(SESSION_MS);
	});

	/** Members A, who stays on the old primary, and B, who goes to the new one; each owns half before. */
	async function split(minReplicas: number) {
		const servers = await provider.start({ replicas: 2, settings: APP });
		used = servers;
		const url = servers.url.replace("//", "//app:pw@");
		const orders = topic<number>(uniqueName("orders"), { partitions: PARTITIONS });
		const options = { minReplicas, minReplicasTimeoutMs: 300 };
		const broker = await connectTo(url, options);
		const group = new WatchedGroup(uniqueName("billing"), { url, topic: orders, sessionMs: SESSION_MS, handlerMs: 15, options });
		onTestFinished(async () => {
			await group[Symbol.asyncDispose]();
			await broker.close({ deadlineMs: 1000 });
			await servers.dispose();
		});
		await broker.topics.ensure(orders);
		await fill(broker, orders);
		const members = await Promise.all([group.join("A"), group.join("B")]);
		await expect.poll(() => members.every(({ assignment }) => assignment.length === 2), { timeout: 20_000 }).toBe(true);
		const old = await servers.primary();
		const admin = new Redis(old.port, old.host, { protocol: 2, username: "app", password: "pw" });
		onTestFinished(() => admin.disconnect());
		await admin.call("ACL", "SETUSER", "default", "-@all");
		await admin.call("CLIENT", "KILL", "TYPE", "replica");
		const cutAt = performance.now();
		// A sentinel that has not heard of it would send B back to the old primary.
		await expect.poll(async () => [undefined, old.port].includes((await servers.agreedPrimary())?.port), { timeout: 60_000 }).toBe(false);
		await killConnections(admin, "B:");
		const splitAt = performance.now();
		// Without minReplicas the old side goes on, with what was B's as well.
		const working = minReplicas === 0 ? ["A", "B"] : ["B"];
		const worked = () => working.map((member) => workedBy(group.dispatches, member, splitAt));
		await expect.poll(worked, { timeout: 60_000 }).toEqual(working.map(() => PARTITIONS));
		await new Promise((resolve) => setTimeout(resolve, SPLIT_MS));
		const splitMs = performance.now() - splitAt;
		const during = [...group.dispatches];
		await admin.call("ACL", "SETUSER", "default", "+@all");
		// The old primary is made a replica and A comes over.
		await expect.poll(() => admin.role().then(([role]) => role), { timeout: 40_000 }).toBe("slave");
		const stopped = during.findLast(({ member }) => member === "A");
		const takenOver = during.find(({ member, at, partition }) => member === "B" && at > cutAt && ownedByA(during, partition, cutAt));
		return {
			group,
			splitMs,
			overlaps: overlapsIn(during),
			stoppedAfterMs: (stopped?.at ?? 0) - cutAt,
			takenOverAfterMs: (takenOver?.at ?? Number.NaN) - cutAt,
		};
	}
});

async function fill(broker: Awaited<ReturnType<typeof connectTo>>, orders: ReturnType<typeof topic<number>>): Promise<void> {
	await using producer = broker.producer(orders);
	const values = Array.from({ length: PARTITIONS * RECORDS }, (_, at) => ({ value: at, partition: at % PARTITIONS }));
	const receipts = await producer.sendBatch(values);
	expect(receipts.filter(({ status }) => status !== "ok")).toEqual([]);
}

async function killConnections(admin: Redis, name: string): Promise<void> {
	const clients = String(await admin.client("LIST")).split("\n");
	const ids = clients.filter((line) => line.includes(`name=${name}`)).map((line) => /^id=(\d+)/.exec(line)![1]!);
	expect(ids.length).toBeGreaterThan(0);
	for (const id of ids) await admin.call("CLIENT", "KILL", "ID", id);
}

function workedBy(dispatches: readonly Dispatch[], member: string, since: number): number {
	return new Set(dispatches.filter((each) => each.member === member && each.at > since).map(({ partition }) => partition)).size;
}

function ownedByA(dispatches: readonly Dispatch[], partition: number, before: number): boolean {
	return dispatches.findLast((each) => each.partition === partition && each.at < before)?.member === "A";
}

/** For each partition that two members worked at one time, for how long. */
function overlapsIn(dispatches: readonly Dispatch[]): number[] {
	return Array.from({ length: PARTITIONS }, (_, partition) => {
		const [a, b] = ["A", "B"].map((member) => dispatches.filter((each) => each.member === member && each.partition === partition));
		if (!a?.[0] || !b?.[0]) return 0;
		const [firstA, lastA, firstB, lastB] = [a[0].at, a.at(-1)!.at, b[0].at, b.at(-1)!.at];
		return Math.min(lastA, lastB) - Math.max(firstA, firstB);
	}).filter((ms) => ms > 0);
}

// Groups on Kafka's own protocol: what a member is promised.
import { isPolylogError } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { coordinatorOf, evenly, makeTopic, TestMember, uniqueName, until, useKafka } from "./harness.ts";

const kafka = useKafka({ own: true });

async function world(partitions = 4) {
	const driver = await kafka.session.driver({ metadataMaxAgeMs: 300 });
	const topic = await makeTopic(driver, partitions);
	const group = uniqueName("g");
	return { driver, topic, group, coordinator: coordinatorOf(driver), request: { group, topics: [topic] } };
}

describe("a member", () => {
	it("shares with another, keeps what it keeps under the same fence, and gives the rest up before the other has it", async () => {
		const { topic, coordinator, request: anyhow } = await world();
		const request = { ...anyhow, sessionTimeoutMs: 12_000 };
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 4, "the first owns all");
		const before = new Map(a.grants);
		const b = new TestMember();
		let given = false;
		a.revoking = async () => {
			expect(b.owned).toEqual([]);
			await new Promise((resolve) => setTimeout(resolve, 300));
			given = true;
		};
		await b.join(coordinator, request);
		await until(() => a.owned.length === 2 && b.owned.length === 2, "they share");
		expect(given).toBe(true);
		for (const [key, { fence }] of a.grants) expect(fence).toBe(before.get(key)?.fence);
		for (const [key, { fence }] of b.grants) expect(fence).toBeGreaterThan(before.get(key)?.fence ?? 0n);
		expect(a.told.filter((line) => line.startsWith("lost"))).toEqual([]);
		await a.leave();
		// Without a good-bye it would wait for the session.
		await until(() => b.owned.length === 4, "the other takes over", 9000);
		expect(b.owned).toEqual([0, 1, 2, 3].map((index) => `${topic}/${index}`));
		await b.leave();
	});

	it("lives, dispatches and commits while another one's slow hand-over holds up the rebalance (kafkajs parks such commits for its length)", async () => {
		const { coordinator, request: anyhow } = await world();
		const sessionTimeoutMs = 5000;
		const request = { ...anyhow, sessionTimeoutMs };
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 4, "the first owns all");
		const free = Promise.withResolvers<void>();
		a.revoking = () => free.promise;
		const b = await new TestMember().join(coordinator, request);
		await until(() => a.told.some((line) => line.startsWith("revoking")), "partitions are being given up");
		const kept = [...a.grants.values()].filter(({ partition, fence }) => a.session?.mayDispatch(partition, fence));
		expect(kept.length).toBe(2);
		// A third member forces a rebalance while the first is still giving up.
		const c = new TestMember();
		const joining = c.join(coordinator, request);
		const end = performance.now() + sessionTimeoutMs + 1500;
		for (let offset = 1n; performance.now() < end; offset++) {
			const started = performance.now();
			for (const { partition } of a.grants.values()) await a.commit(partition, offset);
			// A parked one would not be answered before this loop is over.
			expect(performance.now() - started).toBeLessThan(4000);
			await new Promise((resolve) => setTimeout(resolve, 100));
			// Longer than the session, and still a member.
			expect(a.told.filter((line) => line.startsWith("lost"))).toEqual([]);
		}
		free.resolve();
		await joining;
		await until(() => a.owned.length + b.owned.length + c.owned.length === 4 && c.owned.length > 0, "all three share");
		await Promise.all([a.leave(), b.leave(), c.leave()]);
	});

	it("loses what it takes longer to give up than the rebalance timeout allows", async () => {
		// Kafka puts out who does not join again within it, too: a busy machine must not be that late.
		const driver = await kafka.session.driver({ rebalanceTimeoutMs: 4000 });
		const topic = await makeTopic(driver, 2);
		const request = { group: uniqueName("g"), topics: [topic] };
		const a = await new TestMember().join(coordinatorOf(driver), request);
		await until(() => a.owned.length === 2, "the first owns all");
		a.revoking = () => new Promise(() => {});
		const b = await new TestMember().join(coordinatorOf(driver), request);
		await until(() => b.owned.length === 1, "the other gets its share");
		expect(a.told.some((line) => line.startsWith("lost") && line.includes("longer"))).toBe(true);
		await Promise.all([a.leave(), b.leave()]);
	});

	it("commits only what it holds under the fence it was given; a stale commit changes nothing", async () => {
		const { topic, coordinator, request, group } = await world(2);
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "the first owns all");
		const fences = new Map([...a.grants].map(([key, { fence }]) => [key, fence]));
		const b = await new TestMember().join(coordinator, request);
		await until(() => b.owned.length === 1, "they share");
		const [moved] = [...b.grants.values()];
		if (!moved) throw new Error("nothing moved");
		await b.commit(moved.partition, 80n);
		// Kafka itself would take this: the member and its generation are right.
		const stale = a.commit(moved.partition, 10n, { fence: fences.get(b.owned[0] ?? "") ?? 0n });
		await expect(stale).rejects.toSatisfy((error: unknown) => isPolylogError(error, "FENCED"));
		const committed = new Map(
			[...((await coordinator.describe(group))?.committed ?? [])].map(([partition, { offset }]) => [`${topic}/${partition.index}`, offset]),
		);
		expect(committed.get(b.owned[0] ?? "")).toBe(80n);
		await Promise.all([a.leave(), b.leave()]);
	});

	it("is replaced within its session when it dies without a word, and is told when it wakes", async () => {
		const { coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, { ...request, sessionTimeoutMs: 1500 });
		await until(() => a.owned.length === 2, "the first owns all");
		const other = await kafka.session.driver();
		const b = await new TestMember().join(coordinatorOf(other), { ...request, sessionTimeoutMs: 1500 });
		await until(() => b.owned.length === 1, "they share");
		const started = performance.now();
		b.session?.destroy();
		await until(() => a.owned.length === 2, "the first has all again");
		// Nothing else would replace it before the rebalance timeout, a minute.
		expect(performance.now() - started).toBeLessThan(1500 + 2 * 500 + 8000);
		await a.leave();
	});

	it("finds partitions that are added, and gives up those of a topic that is deleted", async () => {
		const { driver, topic, coordinator, group } = await world(2);
		const second = await makeTopic(driver, 1);
		const a = await new TestMember().join(coordinator, { group, topics: [topic, second] });
		await until(() => a.owned.length === 3, "the first owns all");
		await driver.topics.grow(topic, 5);
		await until(() => a.owned.length === 6, "the new ones are found");
		await driver.topics.delete(second);
		await until(() => a.owned.length === 5, "those of the deleted one are given up");
		expect(a.failure).toBeUndefined();
		await driver.topics.create(second, { partitions: 2 });
		await until(() => a.owned.length === 7, "the topic made again is shared");
		await a.leave();
	});

	it("leaves within its time while another one's hand-over hangs, and the driver closes", async () => {
		const { driver, coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "the first owns all");
		a.revoking = () => new Promise(() => {});
		const b = new TestMember();
		const joined = b.join(coordinator, request);
		await until(() => a.told.some((line) => line.startsWith("revoking")), "a hand-over hangs");
		await joined;
		const started = performance.now();
		await Promise.all([a.leave(), b.leave()]);
		await driver.close();
		// A good-bye that is not answered is given up after five seconds.
		expect(performance.now() - started).toBeLessThan(4500);
	});

	it("gives a partition up whose handler hangs, and does not get it back before that has ended", async () => {
		const { coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 2, "it owns all");
		const [grant] = [...a.grants.values()];
		if (!grant) throw new Error("nothing granted");
		a.grants.delete(a.owned[0] ?? "");
		a.session?.abandon(grant.partition, grant.fence);
		await new Promise((resolve) => setTimeout(resolve, 1500));
		expect(a.owned.length).toBe(1);
		a.session?.returned(grant.partition);
		await until(() => a.owned.length === 2, "it has it again");
		expect([...a.grants.values()].find(({ partition }) => partition.index === grant.partition.index)?.fence).toBeGreaterThan(grant.fence);
		await a.leave();
	});

	it("rises above every fence of before in a group that was deleted, and as a static member that restarts", async () => {
		const { coordinator, request, group, topic } = await world(1);
		const partition = { topic, index: 0 };
		const fences: bigint[] = [];
		const once = async (instanceId: string | undefined) => {
			const member = await new TestMember().join(coordinator, { ...request, instanceId });
			await until(() => member.owned.length === 1, "it owns the partition");
			fences.push([...member.grants.values()][0]?.fence ?? 0n);
			await member.commit(partition, 0n);
			await member.leave();
		};
		await once(undefined);
		await once(undefined);
		await coordinator.delete(group);
		await new Promise((resolve) => setTimeout(resolve, 1100));
		await once(undefined);
		await once("static");
		await once("static");
		await once("static");
		expect(fences).toEqual([...fences].sort((x, y) => (x < y ? -1 : 1)));
		expect(new Set(fences).size).toBe(fences.length);
	});

	it("is put out by a forced reset, and goes on from the new offsets; without force that is refused", async () => {
		const { coordinator, request, group, topic } = await world(1);
		const partition = { topic, index: 0 };
		const a = await new TestMember().join(coordinator, request);
		await until(() => a.owned.length === 1, "it owns the partition");
		await a.commit(partition, 7n);
		const first = [...a.grants.values()][0]?.fence ?? 0n;
		await expect(coordinator.reset(group, [[partition, 3n]], { force: false })).rejects.toSatisfy((error: unknown) =>
			isPolylogError(error, "GROUP_ACTIVE"),
		);
		await coordinator.reset(group, [[partition, 3n]], { force: true });
		await expect(a.commit(partition, 8n, { fence: first })).rejects.toSatisfy((error: unknown) => isPolylogError(error, "FENCED"));
		await until(() => ([...a.grants.values()][0]?.fence ?? 0n) > first, "it has the partition anew");
		expect([...a.grants.values()][0]?.committed?.offset).toBe(3n);
		await a.leave();
	});

	it("loses what it held when its event loop was blocked for longer than its session, and has it anew at once", async () => {
		const { coordinator, request } = await world(2);
		const a = await new TestMember().join(coordinator, { ...request, sessionTimeoutMs: 4000 });
		await until(() => a.owned.length === 2, "it owns all");
		const [before] = [...a.grants.values()];
		if (!before) throw new Error("nothing granted");
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5500);
		// In the same turn still: no timer and no answer has told it anything.
		expect(a.session?.mayDispatch(before.partition, before.fence)).toBe(false);
		const stale = a.commit(before.partition, 1n, { fence: before.fence });
		await expect(stale).rejects.toSatisfy((error: unknown) => isPolylogError(error, "FENCED"));
		expect(a.told.some((line) => line.startsWith("lost"))).toBe(true);
		await until(() => a.owned.length === 2, "it owns all again");
		for (const { partition, fence, committed } of a.grants.values()) {
			expect(fence).toBeGreaterThan(before.fence);
			expect(committed).toBeUndefined();
			await a.commit(partition, 1n);
		}
		await a.leave();
	});

	it("is told plainly, and once, that the others share in another way", async () => {
		const { coordinator, request } = await world(1);
		const a = await new TestMember().join(coordinator, request);
		const odd = new TestMember().join(coordinator, { ...request, assignor: { ...evenly, name: "mine" } });
		await expect(odd).rejects.toSatisfy((error: unknown) => isPolylogError(error, "CONFIG_INVALID"));
		await a.leave();
	});
});

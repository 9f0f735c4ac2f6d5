import { describe, expect, it } from "vitest";
import { GroupWorld, testAssignor } from "../../test/group-journal/group-world.ts";
import { decodeEntry } from "./entry-codec.ts";

async function alone(): Promise<{ world: GroupWorld; a: Awaited<ReturnType<GroupWorld["join"]>> }> {
	const world = new GroupWorld();
	const a = await world.join("a");
	await world.settled([a]);
	return { world, a };
}

describe("a commit", () => {
	it("resolves when it was read back, and everybody sees it then", async () => {
		const { world, a } = await alone();
		const commit = a.commit("orders/1", 9n, { last: { offset: 8n, digest: "d" } });
		expect(await world.time.until(() => commit.settled, 1000)).toBeLessThan(50);
		expect(commit.result).toBe("done");
		const looking = await world.run(world.coordinator().describe("billing"));
		expect([...(looking?.committed ?? [])]).toEqual([
			[
				{ topic: "orders", index: 1 },
				{ offset: 9n, last: { offset: 8n, digest: "d" } },
			],
		]);
	});

	it("goes with those that wait, in one entry", async () => {
		const { world, a } = await alone();
		const before = world.broker.appended;
		const commits = [a.commit("orders/0", 1n), a.commit("orders/1", 1n), a.commit("orders/0", 3n), a.commit("orders/0", 2n)];
		await world.time.until(() => commits.every((commit) => commit.settled), 1000);
		expect(commits.map((commit) => commit.result)).toEqual(["done", "done", "done", "done"]);
		expect(world.broker.appended - before).toBe(1);
	});

	it("goes backwards only with rewind", async () => {
		const { world, a } = await alone();
		const committed = async () => {
			const group = await world.run(world.coordinator().describe("billing"));
			return [...(group?.committed ?? [])][0]?.[1].offset;
		};
		for (const [offset, rewind, expected] of [
			[10n, false, 10n],
			[4n, false, 10n],
			[4n, true, 4n],
			[5n, false, 5n],
		] as const) {
			const commit = a.commit("orders/0", offset, { rewind });
			await world.time.until(() => commit.settled, 1000);
			expect(commit.result).toBe("done");
			expect(await committed()).toBe(expected);
		}
	});

	it("under steady load neither waits for a pause nor costs the lease", async () => {
		const world = new GroupWorld();
		const a = await world.join("a", { sessionTimeoutMs: 2000, heartbeatMs: 600 });
		await world.settled([a]);
		// The next entry goes out before the append of the last one is answered.
		world.broker.latencyMs = 10;
		const commits: ReturnType<typeof a.commit>[] = [];
		for (let offset = 1n; offset <= 900n; offset++) {
			commits.push(a.commit("orders/0", offset));
			await world.time.pass(3);
		}
		expect(commits.slice(0, -50).every((commit) => commit.result === "done")).toBe(true);
		expect(a.usable).toHaveLength(4);
	});

	it("waits through an outage", async () => {
		const { world, a } = await alone();
		world.broker.down = true;
		const commit = a.commit("orders/0", 5n);
		await world.time.pass(60_000);
		expect(commit.settled).toBe(false);
		world.broker.down = false;
		await world.time.until(() => commit.settled, 6000);
		expect(commit.result).toBe("done");
	});

	it("is refused at once under a fence that is not the current one", async () => {
		const { world, a } = await alone();
		const { partition, fence } = a.grant("orders/0");
		const before = world.broker.appended;
		await expect(a.session?.commit({ partition, fence: fence + 1n, offset: 1n })).rejects.toMatchObject({ code: "FENCED" });
		await expect(a.session?.commit({ partition: { topic: "orders", index: 99 }, fence, offset: 1n })).rejects.toMatchObject({
			code: "FENCED",
		});
		expect(world.broker.appended).toBe(before);
	});

	it("is refused when the offset was reset before it arrived", async () => {
		const { world, a } = await alone();
		const first = a.commit("orders/0", 50n);
		await world.time.until(() => first.settled, 1000);
		const { fence } = a.grant("orders/0");
		a.process.stop();
		await world.run(world.coordinator().reset("billing", [[{ topic: "orders", index: 0 }, 7n]], { force: true }));
		const late = a.commit("orders/0", 60n);
		a.process.continue();
		await world.time.until(() => late.settled, 1000);
		expect(late.code).toBe("FENCED");
		await world.time.pass(10);
		expect(a.events.slice(1)).toEqual(["lost orders/0", "assigned orders/0"]);
		expect(a.grant("orders/0")).toMatchObject({ committed: { offset: 7n } });
		expect(a.grant("orders/0").fence).toBeGreaterThan(fence);
	});

	it("travels with the release of its partition in one entry", async () => {
		const { world, a } = await alone();
		const commits: ReturnType<typeof a.commit>[] = [];
		a.drain = () => {
			for (const key of a.held.keys()) commits.push(a.commit(key, 33n));
			return Promise.resolve();
		};
		const b = await world.join("b");
		await world.settled([a, b]);
		await world.time.until(() => commits.every((commit) => commit.settled), 100);
		// Asked for each of the two partitions that b gets, four are committed.
		expect(commits.map((commit) => commit.result)).toEqual(Array.from({ length: 8 }, () => "done"));
		expect(b.grant(b.usable[0] ?? "").committed).toEqual({ offset: 33n, last: undefined });
		const entries = world.broker.journal("billing").entries.map(({ bytes }) => decodeEntry(bytes));
		const release = entries.find((entry) => entry?.kind === "member" && entry.events.some((event) => event.type === "release"));
		expect(release?.kind === "member" && release.events.map((event) => event.type)).toEqual(["commit", "release"]);
	});

	it("is flushed by leave and refused after it", async () => {
		const { world, a } = await alone();
		const { partition, fence } = a.grant("orders/0");
		const commit = a.commit("orders/0", 3n);
		const left = a.session?.leave({ drained: true });
		await expect(a.session?.commit({ partition, fence, offset: 4n })).rejects.toMatchObject({ code: "CLOSED" });
		await world.time.until(() => commit.settled, 1000);
		expect(commit.result).toBe("done");
		await world.time.pass(100);
		await left;
	});

	it("under way is refused by destroy", async () => {
		const { world, a } = await alone();
		const commit = a.commit("orders/0", 3n);
		a.session?.destroy();
		a.session?.destroy();
		await world.time.pass(0);
		expect(commit.code).toBe("CLOSED");
		expect(a.events).toHaveLength(1);
	});
});

describe("an abandoned partition", () => {
	it("goes to another member at once, and not back before its handler returned", async () => {
		const { world, a } = await alone();
		const b = await world.join("b");
		await world.settled([a, b]);
		const [key = ""] = a.usable;
		const { partition, fence } = a.grant(key);
		const commit = a.commit(key, 5n);
		a.session?.abandon(partition, fence);
		a.held.delete(key);
		expect(a.session?.mayDispatch(partition, fence)).toBe(false);
		await expect(a.session?.commit({ partition, fence, offset: 6n })).rejects.toMatchObject({ code: "FENCED" });
		expect(await world.time.until(() => b.usable.includes(key), 5000)).toBeLessThan(1000);
		expect(commit.result).toBe("done");
		expect(b.grant(key).committed).toMatchObject({ offset: 5n });
		const left = b.session?.leave({ drained: true });
		await world.time.until(() => a.usable.length === 3, 5000);
		await world.time.pass(10_000);
		expect(a.usable).not.toContain(key);
		a.session?.returned(partition);
		await world.settled([a]);
		await left;
		expect(a.reasons).toEqual([]);
	});

	it("waits for its handler when there is no other member", async () => {
		const { world, a } = await alone();
		const { partition, fence } = a.grant("orders/2");
		a.session?.abandon(partition, fence);
		a.held.delete("orders/2");
		await world.time.pass(20_000);
		expect(a.usable).toHaveLength(3);
		a.session?.returned(partition);
		await world.settled([a]);
		expect(a.grant("orders/2").fence).toBeGreaterThan(fence);
	});

	it("stays barred from its process also under a new member id", async () => {
		const { world, a } = await alone();
		const { partition, fence } = a.grant("orders/2");
		a.session?.abandon(partition, fence);
		a.held.delete("orders/2");
		world.broker.journal("billing").cutBack(1e6);
		await world.time.until(() => a.reasons.length > 0, 5000);
		await world.time.until(() => a.usable.length === 3, 5000);
		await world.time.pass(20_000);
		expect(a.usable).not.toContain("orders/2");
		a.session?.returned(partition);
		await world.settled([a]);
	});
});

describe("leaving", () => {
	it("undrained says nothing: others wait for the session timeout", async () => {
		const { world, a } = await alone();
		const b = await world.join("b");
		await world.settled([a, b]);
		await a.session?.leave({ drained: false });
		expect(await world.settled([b])).toBeGreaterThan(5000);
	});

	it("during an outage ends by its signal, or by the session timeout", async () => {
		const { world, a } = await alone();
		const b = await world.join("b");
		await world.settled([a, b]);
		world.broker.down = true;
		const stop = new AbortController();
		let left = 0;
		void a.session?.leave({ drained: true, signal: stop.signal }).then(() => left++);
		void b.session?.leave({ drained: true }).then(() => left++);
		await world.time.pass(1000);
		expect(left).toBe(0);
		stop.abort();
		await world.time.pass(1);
		expect(left).toBe(1);
		await world.time.pass(10_000);
		expect(left).toBe(2);
	});
});

describe("a listener", () => {
	it("hears of a loss while it still drains, and is not asked to give up what it never got", async () => {
		const { world, a } = await alone();
		a.drain = () => new Promise(() => {});
		const b = await world.join("b");
		await world.time.until(() => a.events.at(-1)?.startsWith("revoked") === true, 2000);
		a.process.stop();
		await world.settled([b]);
		a.process.continue();
		await world.time.until(() => a.reasons.length > 0, 1000);
		expect(a.events.at(-1)).toMatch(/^lost (orders\/\d ?){4}$/);
	});

	it("whose revoked rejects ends its session loudly", async () => {
		const { world, a } = await alone();
		a.drain = () => Promise.reject(new Error("cannot drain"));
		await world.join("b");
		await world.time.until(() => a.fatal.length > 0, 2000);
		expect(a.fatal).toEqual([new Error("cannot drain")]);
	});
});

describe("an assignor", () => {
	it.each([
		["gives a partition twice", [["a", [0, 0]]], "twice"],
		["gives a partition that does not exist", [["a", [9]]], "4 partitions"],
		["gives to nobody it knows", [["x", [0]]], 'the member "x"'],
	] as const)("that %s is named in the error", async (_, answer, told) => {
		const world = new GroupWorld();
		const a = await world.join("a", {
			assignor: testAssignor(
				({ members }) =>
					new Map(
						answer.map(([id, indexes]) => [id === "a" ? (members[0]?.id ?? "") : id, indexes.map((index) => ({ topic: "orders", index }))]),
					),
			),
		});
		await world.time.until(() => a.fatal.length > 0, 2000);
		expect(a.fatal[0]).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(told) });
	});
});

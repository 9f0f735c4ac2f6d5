import { describe, expect, it } from "vitest";
import { GroupWorld, testAssignor } from "../../test/group-journal/group-world.ts";
import { decodeEntry } from "./entry-codec.ts";

const S = 10_000;
const HB = 3000;
const TAKE_OVER = S + 2 * HB + 2000;

function plans(world: GroupWorld): number {
	const entries = world.broker.journal("billing").entries.map(({ bytes }) => decodeEntry(bytes));
	return entries.filter((entry) => entry?.kind === "member" && entry.events.some((event) => event.type === "plan")).length;
}

describe("a session", () => {
	it("owns every partition when alone", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		expect(await world.settled([a])).toBeLessThan(1000);
		expect(a.events).toEqual(["assigned orders/0 orders/1 orders/2 orders/3"]);
		expect(a.grant("orders/0").committed).toBeUndefined();
	});

	it("gives up to a joiner only what balance needs, after it was drained", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const drained = Promise.withResolvers<void>();
		a.drain = () => drained.promise;
		const b = await world.join("b");
		await world.time.until(() => a.events.some((event) => event.startsWith("revoked")), 2000);
		expect(a.usable).toHaveLength(2);
		await world.time.pass(30_000);
		expect(b.usable).toEqual([]);
		drained.resolve();
		expect(await world.settled([a, b])).toBeLessThan(100);
		expect(b.grant(b.usable[0] ?? "").fence).toBeGreaterThan(a.grant(a.usable[0] ?? "").fence);
	});

	it("moves only the leaver's partitions on a clean leave, at once", async () => {
		const world = new GroupWorld({ partitions: 12 });
		const [a, b, c] = [await world.join("a"), await world.join("b"), await world.join("c")];
		await world.settled([a, b, c]);
		const kept = new Map([...a.held, ...b.held].map(([key, grant]) => [key, grant.fence]));
		const left = c.session?.leave({ drained: true });
		expect(await world.settled([a, b])).toBeLessThan(500);
		await left;
		const held = new Map([...a.held, ...b.held].map(([key, grant]) => [key, grant.fence]));
		expect([...kept.keys()].map((key) => held.get(key))).toEqual([...kept.values()]);
		expect(c.events.filter((event) => event.startsWith("lost"))).toEqual([]);
	});

	it("takes over from a member that died, within session + 2 heartbeats + 2 s", async () => {
		for (let seed = 1; seed <= 10; seed++) {
			const world = new GroupWorld({ seed });
			const [a, b] = [await world.join("a"), await world.join("b")];
			await world.settled([a, b]);
			await world.time.pass(seed * 701);
			a.kill();
			expect(await world.settled([b])).toBeLessThan(TAKE_OVER);
		}
	});

	it("expires nobody for an outage of the broker, however long", async () => {
		for (const [seed, outage] of [3000, 11_000, 60_000, 200_000].entries()) {
			const world = new GroupWorld({ seed });
			const members = [await world.join("a"), await world.join("b"), await world.join("c")];
			await world.settled(members);
			const ids = members.map((member) => member.session?.memberId);
			world.broker.down = true;
			world.broker.journal("billing").wake();
			await world.time.pass(outage);
			expect(members.flatMap((member) => member.usable)).toHaveLength(outage > S ? 0 : 4);
			world.broker.down = false;
			await world.settled(members, 15_000);
			await world.time.pass(30_000);
			expect(members.map((member) => member.session?.memberId)).toEqual(ids);
			expect(members.flatMap((member) => member.reasons)).toEqual([]);
		}
	});

	it("settles fifty joiners at once in two seconds with a few plans", async () => {
		const world = new GroupWorld({ partitions: 200 });
		const members = Array.from({ length: 50 }, (_, i) => world.member(`m${i}`));
		expect(await world.settled(members, 5000)).toBeLessThan(2000);
		expect(plans(world)).toBeLessThanOrEqual(3);
		const appended = world.broker.appended;
		await world.time.pass(30_000);
		// Beats alone: one per heartbeat and member.
		expect(world.broker.appended - appended).toBeLessThanOrEqual(50 * 11);
	});

	it("ends with the assignor's own fault told by name, not in silence", async () => {
		const world = new GroupWorld();
		const a = await world.join("a", { assignor: testAssignor(() => new Map([["nobody", []]])) });
		await world.time.until(() => a.fatal.length > 0, 5000);
		expect(a.fatal).toMatchObject([{ code: "CONFIG_INVALID", message: expect.stringContaining('assignor "test"') }]);
	});

	it("plans again when a topic grows", async () => {
		const world = new GroupWorld();
		const [a, b] = [await world.join("a"), await world.join("b")];
		await world.settled([a, b]);
		world.counts.set("orders", 10);
		expect(await world.settled([a, b])).toBeLessThan(12_000);
	});

	it("refuses to join for a topic that does not exist", async () => {
		const world = new GroupWorld();
		const a = world.member("a", { topics: ["payments"] });
		await world.time.until(() => a.failure !== undefined, 1000);
		expect(a.failure).toMatchObject({ code: "TOPIC_NOT_FOUND" });
		expect(world.broker.journals.size).toBe(0);
	});
});

describe("static membership", () => {
	it("takes over the place of a former process at once, without a new plan", async () => {
		const world = new GroupWorld();
		const [a, b] = [await world.join("a", { instanceId: "one" }), await world.join("b")];
		await world.settled([a, b]);
		const before = plans(world);
		const held = a.usable;
		const left = a.session?.leave({ drained: true });
		await world.time.pass(100);
		await left;
		const again = await world.join("a2", { instanceId: "one" });
		expect(await world.settled([again, b])).toBeLessThan(100);
		expect(again.usable).toEqual(held);
		await world.time.pass(20_000);
		expect(plans(world)).toBe(before);
	});

	it("is fatal for a member whose place another process took, and only for it", async () => {
		const world = new GroupWorld();
		const a = await world.join("a", { instanceId: "one" });
		await world.settled([a]);
		const again = await world.join("a2", { instanceId: "one" });
		await world.settled([again]);
		expect(a.fatal).toMatchObject([{ code: "MEMBER_REPLACED" }]);
		expect(a.events.at(-1)).toMatch(/^lost/);
		await world.time.pass(30_000);
		expect(again.fatal).toEqual([]);
		expect(again.usable).toHaveLength(4);
	});
});

describe("a process that was stopped for longer than its session", () => {
	it("dispatches nothing, is refused its commits, tells what it lost and joins again by itself", async () => {
		const world = new GroupWorld();
		const [a, b] = [await world.join("a"), await world.join("b")];
		await world.settled([a, b]);
		const [key = ""] = a.usable;
		const id = a.session?.memberId;
		const { partition, fence } = a.grant(key);
		a.process.stop();
		await world.settled([b]);
		// The first thing it does after it was continued, before any timer or answer.
		expect(a.session?.mayDispatch(partition, fence)).toBe(false);
		const commit = a.commit(key, 7n);
		a.process.continue();
		await world.time.until(() => commit.settled, 2000);
		expect(commit.code).toBe("FENCED");
		await world.settled([a, b]);
		expect(a.session?.memberId).not.toBe(id);
		expect(a.reasons).toEqual([expect.stringContaining("expired")]);
		expect(world.broker.journal("billing").entries.length).toBeGreaterThan(0);
	});

	it("stops at once when the machine was suspended and the monotonic clock stood still", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		a.process.wallSkew = 60_000;
		expect(a.usable).toEqual([]);
		await world.time.pass(HB + 100);
		expect(a.usable).toHaveLength(4);
	});
});

import { describe, expect, it } from "vitest";
import { GroupWorld } from "../../test/group-journal/group-world.ts";

const P0 = { topic: "orders", index: 0 };
const P1 = { topic: "orders", index: 1 };

function journalOf(world: GroupWorld): unknown {
	return world.broker.journals.get("billing");
}

describe("looking at a group", () => {
	it("that does not exist gives nothing and makes nothing", async () => {
		const world = new GroupWorld();
		const coordinator = world.coordinator();
		expect(await world.run(coordinator.describe("billing"))).toBeUndefined();
		expect(await world.run(coordinator.delete("billing"))).toBe(false);
		expect(await world.run(coordinator.list())).toEqual([]);
		expect(journalOf(world)).toBeUndefined();
	});

	it("tells its members, who owns what under which fence, and the generation", async () => {
		const world = new GroupWorld();
		const [a, b] = [await world.join("a"), await world.join("b", { instanceId: "two" })];
		await world.settled([a, b]);
		const group = await world.run(world.coordinator().describe("billing"));
		expect(group?.members.map(({ id, clientId, instanceId, topics }) => ({ id, clientId, instanceId, topics }))).toEqual([
			{ id: a.session?.memberId, clientId: "a", instanceId: undefined, topics: ["orders"] },
			{ id: b.session?.memberId, clientId: "b", instanceId: "two", topics: ["orders"] },
		]);
		for (const [i, member] of [a, b].entries()) {
			const seen = group?.members[i]?.partitions.map(({ partition, fence }) => [partition.index, fence]);
			expect(new Map(seen as [number, bigint][])).toEqual(
				new Map([...member.held.values()].map(({ partition, fence }) => [partition.index, fence])),
			);
		}
		expect(group?.generation).toBeGreaterThan(0n);
		expect(await world.run(world.coordinator().list())).toEqual(["billing"]);
	});

	it("again and again reads only what is new", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const coordinator = world.coordinator();
		await world.run(coordinator.describe("billing"));
		const journal = world.broker.journal("billing");
		// Whoever started over now would find nothing.
		const hidden = journal.entries.splice(0, journal.entries.length - 1);
		expect((await world.run(coordinator.describe("billing")))?.members).toHaveLength(1);
		journal.entries.unshift(...hidden);
		const commit = a.commit("orders/0", 3n);
		await world.time.until(() => commit.settled, 1000);
		expect([...((await world.run(coordinator.describe("billing")))?.committed ?? [])]).toHaveLength(1);
		const [first, second] = await world.run(Promise.all([coordinator.describe("billing"), coordinator.describe("billing")]));
		expect(first).toEqual(second);
		await coordinator.close();
	});

	it("tells nothing that a failover may take back", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const coordinator = world.coordinator();
		world.broker.durable = false;
		const commit = a.commit("orders/0", 3n);
		await world.time.pass(100);
		await expect(world.run(coordinator.describe("billing"))).rejects.toThrow("too few replicas");
		world.broker.durable = true;
		await world.time.until(() => commit.settled, 10_000);
		expect([...((await world.run(coordinator.describe("billing")))?.committed ?? [])]).toHaveLength(1);
	});

	it("forgets it when it was deleted", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const coordinator = world.coordinator();
		await world.run(coordinator.describe("billing"));
		await world.run(a.session?.leave({ drained: true }) ?? Promise.resolve());
		expect(await world.run(coordinator.delete("billing"))).toBe(true);
		expect(await world.run(coordinator.describe("billing"))).toBeUndefined();
	});
});

describe("reset", () => {
	it("of an idle group persists and is what the next member starts from", async () => {
		const world = new GroupWorld();
		const coordinator = world.coordinator();
		await world.run(
			coordinator.reset(
				"billing",
				[
					[P0, 5n],
					[P1, 0n],
				],
				{ force: false },
			),
		);
		await world.run(coordinator.reset("billing", [[P0, 3n]], { force: false }));
		const a = await world.join("a");
		await world.settled([a]);
		expect(a.grant("orders/0").committed?.offset).toBe(3n);
		expect(a.grant("orders/1").committed?.offset).toBe(0n);
		expect(a.grant("orders/2").committed).toBeUndefined();
	});

	it("of a live group is refused, and deleting too", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const coordinator = world.coordinator();
		await expect(world.run(coordinator.reset("billing", [[P0, 5n]], { force: false }))).rejects.toMatchObject({ code: "GROUP_ACTIVE" });
		await expect(world.run(coordinator.delete("billing"))).rejects.toMatchObject({ code: "GROUP_ACTIVE" });
		expect(a.events).toHaveLength(1);
	});

	it("by force fences the owner, which starts again from there", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const { fence } = a.grant("orders/0");
		await world.run(world.coordinator().reset("billing", [[P0, 5n]], { force: true }));
		await world.time.until(() => a.events.length === 3, 1000);
		expect(a.events.slice(1)).toEqual(["lost orders/0", "assigned orders/0"]);
		expect(a.grant("orders/0").committed?.offset).toBe(5n);
		expect(a.grant("orders/0").fence).toBeGreaterThan(fence);
	});

	it("repeated by a late copy does nothing again", async () => {
		const world = new GroupWorld();
		world.broker.doubled = 1;
		await world.run(world.coordinator().reset("billing", [[P0, 5n]], { force: false }));
		world.broker.doubled = 0;
		await world.run(world.coordinator().reset("billing", [[P0, 9n]], { force: false }));
		await world.time.pass(6000);
		const group = await world.run(world.coordinator().describe("billing"));
		expect([...(group?.committed ?? [])]).toEqual([[P0, { offset: 9n, last: undefined }]]);
	});

	it("works for a group whose members all died without a word, once their sessions are over", async () => {
		const world = new GroupWorld();
		const [a, b] = [await world.join("a"), await world.join("b")];
		await world.settled([a, b]);
		a.kill();
		b.kill();
		const coordinator = world.coordinator();
		await expect(world.run(coordinator.reset("billing", [[P0, 5n]], { force: false }))).rejects.toMatchObject({ code: "GROUP_ACTIVE" });
		await world.time.pass(20_000);
		await world.run(coordinator.reset("billing", [[P0, 5n]], { force: false }));
		const group = await world.run(coordinator.describe("billing"));
		expect(group?.members).toEqual([]);
		expect(await world.run(coordinator.delete("billing"))).toBe(true);
	});

	it("does not take a member for dead because its clock is wrong", async () => {
		const world = new GroupWorld();
		const a = world.member("a");
		a.process.wallSkew = -3_600_000;
		await world.settled([a]);
		await expect(world.run(world.coordinator().delete("billing"))).rejects.toMatchObject({ code: "GROUP_ACTIVE" });
	});
});

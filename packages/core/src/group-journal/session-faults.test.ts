import { describe, expect, it } from "vitest";
import { GroupWorld } from "../../test/group-journal/group-world.ts";
import { decodeEntry, encodeEntry } from "./entry-codec.ts";
import type { JournalTiming } from "./timing.ts";

const SMALL_SNAPSHOTS: Partial<JournalTiming> = { snapshotBytes: 4000, snapshotGrowth: 1 };

function events(world: GroupWorld): string[] {
	const entries = world.broker.journal("billing").entries.map(({ bytes }) => decodeEntry(bytes));
	return entries.flatMap((entry) => (entry?.kind === "member" ? entry.events.map((event) => event.type) : []));
}

describe("the journal under a session", () => {
	it("was cut back: members find out, join anew and get higher fences", async () => {
		for (let seed = 1; seed <= 10; seed++) {
			const world = new GroupWorld({ seed });
			const members = [await world.join("a"), await world.join("b")];
			await world.settled(members);
			await world.time.pass(10_000);
			const highest = new Map(members.flatMap((member) => [...member.held].map(([key, grant]) => [key, grant.fence])));
			const ids = members.map((member) => member.session?.memberId);
			world.broker.journal("billing").cutBack(seed);
			await world.time.until(() => members.some((member) => member.reasons.length > 0), 10_000);
			await world.settled(members);
			await world.time.pass(15_000);
			await world.settled(members);
			for (const member of members) for (const [key, { fence }] of member.held) expect(fence).toBeGreaterThan(highest.get(key) ?? 0n);
			expect(members.map((member) => member.session?.memberId)).not.toEqual(ids);
			expect(world.errors.length).toBeGreaterThan(0);
			expect(members.flatMap((member) => member.fatal)).toEqual([]);
		}
	});

	it("was lost: the group starts from nothing, loudly, and never under an old fence", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const commit = a.commit("orders/0", 41n);
		await world.time.until(() => commit.settled, 1000);
		const { fence } = a.grant("orders/0");
		world.broker.journal("billing").cutBack(1e6);
		await world.time.until(() => a.reasons.length > 0, 5000);
		await world.settled([a]);
		expect(a.grant("orders/0")).toMatchObject({ committed: undefined, historyLost: true });
		expect(a.grant("orders/0").fence).toBeGreaterThan(fence);
		expect(world.errors).toEqual([expect.stringContaining("committed offsets are gone")]);
	});

	it("lost the committed offset of one partition: that one has no history, and the others have theirs", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const first = a.commit("orders/0", 41n);
		await world.time.until(() => first.settled, 1000);
		const kept = world.broker.journal("billing").entries.length;
		const second = a.commit("orders/1", 7n);
		await world.time.until(() => second.settled, 1000);
		world.broker.journal("billing").cutBack(world.broker.journal("billing").entries.length - kept);
		await world.time.until(() => a.reasons.length > 0, 5000);
		await world.settled([a]);
		expect(a.grant("orders/0")).toMatchObject({ committed: { offset: 41n } });
		expect(a.grant("orders/0")).not.toHaveProperty("historyLost");
		expect(a.grant("orders/1")).toMatchObject({ committed: undefined, historyLost: true });
		expect(world.errors).toEqual([expect.stringContaining("committed offsets are gone")]);
	});

	it.each([0, 30_000])("forgot that a static member was started anew after %i ms: it joins again over its former self", async (downMs) => {
		const world = new GroupWorld();
		const [a, other] = [await world.join("a", { instanceId: "one" }), await world.join("other")];
		await world.settled([a, other]);
		a.kill();
		await world.time.pass(downMs);
		const entries = world.broker.journal("billing").entries.length;
		const b = await world.join("b", { instanceId: "one" });
		await world.settled([b, other]);
		// With the expiry of the former one, where it was expired.
		world.broker.journal("billing").cutBack(world.broker.journal("billing").entries.length - entries + (downMs > 0 ? 12 : 0));
		await world.time.until(() => b.reasons.length > 0, 10_000);
		await world.settled([b, other]);
		expect([b.failure, ...b.fatal]).toEqual([undefined]);
	});

	it("shows a member that lost its place that it was replaced meanwhile: the listener hears of it", async () => {
		const world = new GroupWorld({ timing: SMALL_SNAPSHOTS });
		const a = await world.join("a", { instanceId: "one" });
		await world.settled([a]);
		a.process.stop();
		const b = await world.join("b", { instanceId: "one" });
		await world.time.pass(600_000);
		expect(world.broker.journal("billing").truncated).toBe(true);
		a.process.continue();
		await world.time.until(() => a.fatal.length > 0, 10_000);
		expect(a.fatal).toEqual([expect.objectContaining({ code: "MEMBER_REPLACED" })]);
		expect(b.fatal).toEqual([]);
	});

	it("was away for long: when it is back every member speaks before its session is over", async () => {
		const world = new GroupWorld();
		const members = [await world.join("a", { sessionTimeoutMs: 2000 }), await world.join("b", { sessionTimeoutMs: 2000 })];
		await world.settled(members);
		for (let outageMs = 3000; outageMs <= 12_000; outageMs += 700) {
			world.broker.down = true;
			await world.time.pass(outageMs);
			world.broker.down = false;
			await world.time.pass(10_000);
		}
		expect(members.flatMap((member) => member.reasons)).toEqual([]);
	});

	it("is back: every member speaks at once, however far apart its tries have become", async () => {
		const world = new GroupWorld();
		const members = [await world.join("a"), await world.join("b")];
		await world.settled(members);
		const { entries } = world.broker.journal("billing");
		const spoken = (from: number) =>
			new Set(
				entries
					.slice(from)
					.map(({ bytes }) => decodeEntry(bytes))
					.map((entry) => (entry?.kind === "member" ? entry.member : undefined)),
			);
		for (let outageMs = 3000; outageMs <= 8000; outageMs += 300) {
			world.broker.down = true;
			await world.time.pass(outageMs);
			const before = entries.length;
			world.broker.down = false;
			await world.time.pass(500);
			expect({ outageMs, spoken: spoken(before).size }).toEqual({ outageMs, spoken: 2 });
			await world.time.pass(10_000);
		}
	});

	it("does not take a new group for one that lost its history", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		expect(a.grant("orders/0")).not.toHaveProperty("historyLost");
	});

	it("answers too late or twice: entries count once", async () => {
		for (let seed = 1; seed <= 5; seed++) {
			const world = new GroupWorld({ seed });
			world.broker.lostConfirms = 0.3;
			world.broker.doubled = 0.3;
			const members = [await world.join("a"), await world.join("b"), await world.join("c")];
			await world.settled(members);
			for (let offset = 1n; offset <= 20n; offset++) {
				for (const member of members) {
					const commit = member.commit(member.usable[0] ?? "", offset);
					await world.time.until(() => commit.settled, 5000);
					expect(commit.result).toBe("done");
				}
			}
			expect(members.flatMap((member) => member.reasons)).toEqual([]);
		}
	});

	it("is short of replicas: nothing proves life and no commit resolves, until it has them again", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		world.broker.durable = false;
		const commit = a.commit("orders/0", 5n);
		await world.time.pass(9000);
		expect(a.usable).toEqual([]);
		expect(commit.settled).toBe(false);
		world.broker.durable = true;
		await world.time.until(() => commit.settled, 5000);
		expect(commit.result).toBe("done");
		expect(a.usable).toHaveLength(4);
		expect(a.reasons).toEqual([]);
	});

	it("cannot tell its tail: members find it by a mark of their own", async () => {
		const world = new GroupWorld();
		world.broker.tellsTail = false;
		const members = [await world.join("a"), await world.join("b")];
		await world.settled(members);
		expect(await world.run(world.coordinator().describe("billing"))).toMatchObject({ members: [{}, {}] });
	});

	it("is cut short behind snapshots: later members read the same state", async () => {
		const world = new GroupWorld({ timing: SMALL_SNAPSHOTS });
		const a = await world.join("a");
		await world.settled([a]);
		for (let offset = 1n; offset <= 150n; offset++) {
			const commit = a.commit("orders/0", offset, { last: { offset: offset - 1n, digest: "abc" } });
			await world.time.until(() => commit.settled, 1000);
		}
		await world.time.pass(1000);
		const journal = world.broker.journal("billing");
		expect(journal.truncated).toBe(true);
		expect(journal.entries.reduce((sum, entry) => sum + entry.bytes.byteLength, 0)).toBeLessThan(20_000);
		const b = await world.join("b");
		await world.settled([a, b]);
		const holder = [a, b].find((member) => member.held.has("orders/0"));
		expect(holder?.reasons).toEqual([]);
		const left = a.session?.leave({ drained: true });
		await world.settled([b]);
		await left;
		expect(b.grant("orders/0").committed).toEqual({ offset: 150n, last: { offset: 149n, digest: "abc" } });
	});

	it("lost its beginning and has no snapshot: a joiner asks for one and gets it", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const journal = world.broker.journal("billing");
		await world.time.pass(20_000);
		journal.truncateBefore(journal.entries.at(-2)?.position ?? 0n);
		const b = await world.join("b");
		await world.settled([a, b]);
		expect(journal.entries.map(({ bytes }) => decodeEntry(bytes)?.kind)).toEqual(expect.arrayContaining(["ask", "snapshot"]));
	});

	it("lost its beginning and nobody can help: joining fails instead of starting from nothing", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		a.kill();
		const journal = world.broker.journal("billing");
		journal.truncateBefore(journal.entries.at(-1)?.position ?? 0n);
		const b = world.member("b");
		await world.time.until(() => b.failure !== undefined, 40_000);
		expect(b.failure).toMatchObject({ code: "JOURNAL_UNUSABLE" });
		expect(await world.run(world.coordinator().delete("billing"))).toBe(true);
		const c = await world.join("c");
		await world.settled([c]);
	});

	it("holds entries that nobody here wrote: they change nothing", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const journal = world.broker.journal("billing");
		const hostile = [
			"",
			"{",
			"[]",
			"null",
			'{"v":1}',
			'{"v":1,"m":"x","q":1,"at":0,"c":0,"t":0,"e":[["j"]]}',
			'{"v":1,"snap":"x","p":"1","d":1,"s":{}}',
			'{"__proto__":{"v":1}}',
		];
		for (const text of hostile) journal.append(Buffer.from(text));
		journal.append(new Uint8Array([255, 254, 0]));
		const b = await world.join("b");
		await world.settled([a, b]);
		expect(a.reasons).toEqual([]);
	});
});

describe("a new appending connection", () => {
	it("is not used before what was processed is proven to exist on it", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const first = a.commit("orders/0", 10n, { last: { offset: 9n, digest: "nine" } });
		await world.time.until(() => first.settled, 1000);
		expect(world.broker.proofs).toEqual([]);
		world.broker.connection++;
		const second = a.commit("orders/0", 12n, { last: { offset: 11n, digest: "eleven" } });
		await world.time.until(() => second.settled, 2000);
		expect(second.result).toBe("done");
		expect(world.broker.proofs.map(({ digest }) => digest)).toEqual(["nine", "eleven"]);
		// Handled before the change, told after it.
		const third = a.commit("orders/0", 13n, { last: { offset: 12n, digest: "twelve" } });
		await world.time.until(() => third.settled, 2000);
		expect(world.broker.proofs.at(-1)?.digest).toBe("twelve");
	});

	it("without those records makes the member drop everything and join anew, without waiting for its own expiry", async () => {
		const world = new GroupWorld();
		const a = await world.join("a");
		await world.settled([a]);
		const first = a.commit("orders/0", 10n, { last: { offset: 9n, digest: "nine" } });
		await world.time.until(() => first.settled, 1000);
		const appended = events(world).length;
		const id = a.session?.memberId;
		world.broker.proves = ({ offset }) => offset < 10n;
		world.broker.connection++;
		const second = a.commit("orders/0", 12n, { last: { offset: 11n, digest: "eleven" } });
		expect(await world.time.until(() => second.settled, 2000)).toBeLessThan(500);
		expect(second.code).toBe("FENCED");
		expect(await world.settled([a])).toBeLessThan(500);
		expect(a.session?.memberId).not.toBe(id);
		expect(a.grant("orders/0").committed).toMatchObject({ offset: 10n });
		expect(events(world).slice(appended)).not.toContain("commit");
		expect(a.reasons).toEqual([expect.stringContaining("gone")]);
	});
});

describe("a late copy of an entry", () => {
	it("of a member that left does not bring it back", async () => {
		const world = new GroupWorld();
		const [a, b] = [await world.join("a"), await world.join("b", { instanceId: "static" })];
		await world.settled([a, b]);
		const journal = world.broker.journal("billing");
		const join = journal.entries.find(({ bytes }) => Buffer.from(bytes).includes('"static"'));
		b.kill();
		const again = await world.join("b2", { instanceId: "static" });
		await world.settled([a, again]);
		journal.append(join?.bytes ?? new Uint8Array());
		await world.time.pass(20_000);
		expect(again.fatal).toEqual([]);
		expect(again.usable).toHaveLength(2);
	});

	it("of a snapshot changes nothing", async () => {
		const world = new GroupWorld({ timing: SMALL_SNAPSHOTS });
		const a = await world.join("a");
		await world.settled([a]);
		await world.time.pass(200_000);
		const journal = world.broker.journal("billing");
		const snapshot = journal.entries.findLast(({ bytes }) => decodeEntry(bytes)?.kind === "snapshot");
		journal.append(encodeEntry(decodeEntry(snapshot?.bytes ?? new Uint8Array()) ?? { kind: "mark", nonce: "x" }));
		await world.time.pass(100_000);
		const b = await world.join("b");
		await world.settled([a, b]);
		expect([a, b].flatMap((member) => member.reasons)).toEqual([]);
	});
});

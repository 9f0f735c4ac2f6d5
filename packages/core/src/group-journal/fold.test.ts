import { beforeEach, describe, expect, it } from "vitest";
import { Journal, joinEvent } from "../../test/group-journal/entries.ts";
import type { GroupEvent } from "./entry.ts";
import { decodeEntry } from "./entry-codec.ts";
import { applyEntry } from "./fold.ts";
import { dumpState } from "./snapshot.ts";
import { emptyState, fenceOf } from "./state.ts";
import { TOMBSTONES } from "./timing.ts";

const TWO: GroupEvent = { type: "topics", counts: [["t", 2]] };

let journal: Journal;

beforeEach(() => {
	journal = new Journal();
	journal.join("a");
	journal.by("a", TWO);
});

function commit(partition: string, fence: number, offset: bigint, rewind = false): GroupEvent {
	return { type: "commit", items: [{ partition, fence, offset, last: undefined, rewind }] };
}

function release(partition: string, fence: number): GroupEvent {
	return { type: "release", items: [{ partition, fence }] };
}

function committed(partition: string): bigint | undefined {
	return journal.state.offsets.get(partition)?.offset;
}

describe("every entry", () => {
	it("counts in the index, whatever it holds", () => {
		const { index } = journal.state;
		journal.appendBytes(Buffer.from("nonsense"));
		journal.append({ kind: "mark", nonce: "m" });
		journal.by("stranger", { type: "leave" });
		expect(journal.state.index).toBe(index + 3);
	});

	it("of a member counts once", () => {
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		const entry = journal.entryOf("a", [commit("t/0", journal.fence("t/0"), 5n)]);
		journal.append(entry);
		const { last } = journal.state.members.get("a") ?? { last: 0 };
		journal.by("a", commit("t/0", journal.fence("t/0"), 3n, true));
		journal.append(entry);
		expect(committed("t/0")).toBe(3n);
		expect(journal.state.members.get("a")?.last).toBe(last + 1);
	});

	it("that skips a number removes its author: the log lost the one between", () => {
		journal.plan("a", { "t/0": "a" });
		journal.entryOf("a", []);
		journal.by("a");
		expect(journal.state.members.size).toBe(0);
		expect(journal.state.tombs.get("a")?.kind).toBe("gap");
		expect(journal.owners()).toEqual({});
	});
});

describe("join", () => {
	it("of a buried id is refused, and so is one written before the forgotten tombs", () => {
		const late = journal.entryOf("late", [{ ...joinOf("late") }]);
		journal.by("a", { type: "leave" });
		journal.join("a");
		expect(journal.state.members.has("a")).toBe(false);
		for (let i = 0; i <= TOMBSTONES + 1; i++) {
			journal.join(`m${i}`);
			journal.by(`m${i}`, { type: "leave" });
		}
		expect(journal.state.tombs.size).toBe(TOMBSTONES);
		journal.append(late);
		expect(journal.state.members.has("late")).toBe(false);
		journal.join("new");
		expect(journal.state.members.has("new")).toBe(true);
	});

	it("does not give its place to a join that was written before its own: of a process that died", () => {
		const journal = new Journal();
		journal.join("other");
		const late = journal.entryOf("dead", [joinEvent({ instanceId: "one" })]);
		journal.join("living", { instanceId: "one" });
		const { epoch } = journal.state;
		journal.append(late);
		expect([...journal.state.members.keys()]).toEqual(["other", "living"]);
		expect(journal.state.epoch).toBe(epoch);
		// Its author, if it lives, looks again.
		journal.join("again", { instanceId: "one" });
		expect([...journal.state.members.keys()]).toEqual(["other", "again"]);
	});

	it("under a static id takes the place over with new fences and no new plan", () => {
		journal.join("s", { instanceId: "one" });
		journal.plan("a", { "t/0": "a", "t/1": "s" });
		const before = journal.fence("t/1");
		const { epoch } = journal.state;
		journal.join("s2", { instanceId: "one" });
		expect(journal.owners()).toEqual({ "t/0": "a", "t/1": "s2" });
		expect(journal.fence("t/1")).toBeGreaterThan(before);
		expect(journal.state.epoch).toBe(epoch);
		expect(journal.state.tombs.get("s")?.kind).toBe("replaced");
	});

	it("under a static id with other topics asks for a new plan", () => {
		journal.join("s", { instanceId: "one" });
		const { epoch } = journal.state;
		journal.join("s2", { instanceId: "one", topics: ["t", "u"] });
		expect(journal.state.epoch).toBe(epoch + 1);
	});

	it("that names its former id takes its place, and what that was giving up goes where it was going", () => {
		journal.join("b");
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		journal.by("b");
		journal.join("c");
		journal.plan("a", { "t/0": "a", "t/1": "b" });
		journal.join("a2", { previous: "a" });
		expect(journal.owners()).toEqual({ "t/0": "a2", "t/1": "b" });
	});

	it("names partitions whose handlers still run: it gets none of them", () => {
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		const { epoch } = journal.state;
		journal.join("a2", { previous: "a", barred: ["t/0"] });
		expect(journal.owners()).toEqual({ "t/1": "a2" });
		expect(journal.state.epoch).toBe(epoch + 1);
		journal.plan("a2", { "t/0": "a2", "t/1": "a2" });
		expect(journal.owners()).toEqual({ "t/1": "a2" });
	});
});

describe("plan", () => {
	it("moves a partition when its owner released it, with a higher fence", () => {
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		journal.join("b");
		journal.plan("b", { "t/0": "a", "t/1": "b" });
		expect(journal.owners()).toEqual({ "t/0": "a", "t/1": "a" });
		const before = journal.fence("t/1");
		journal.by("a", release("t/1", before));
		expect(journal.owners()).toEqual({ "t/0": "a", "t/1": "b" });
		expect(journal.fence("t/1")).toBeGreaterThan(before);
	});

	it.each([
		["for another epoch", { epochOff: 1 }, { "t/0": "a" }],
		["that names a stranger", {}, { "t/0": "a", "t/1": "x" }],
		["of a partition that does not exist", {}, { "t/2": "a" }],
		["of a topic nobody knows", {}, { "u/0": "a" }],
	])("%s is refused whole", (_, { epochOff = 0 }: { epochOff?: number }, assigned) => {
		journal.by("a", { type: "plan", epoch: journal.state.epoch + epochOff, assigned: Object.entries(assigned) });
		expect(journal.state.planned).toBe(0);
		expect(journal.owners()).toEqual({});
	});

	it("that names a partition twice, or a second one for an epoch, is refused whole", () => {
		journal.by("a", {
			type: "plan",
			epoch: journal.state.epoch,
			assigned: [
				["t/0", "a"],
				["t/0", "a"],
			],
		});
		expect(journal.owners()).toEqual({});
		journal.plan("a", { "t/0": "a" });
		journal.plan("a", { "t/1": "a" });
		expect(journal.owners()).toEqual({ "t/0": "a" });
	});
});

describe("commit", () => {
	beforeEach(() => journal.plan("a", { "t/0": "a", "t/1": "a" }));

	it("counts for the owner under its fence only", () => {
		journal.join("b");
		journal.by("b", commit("t/0", journal.fence("t/0"), 9n));
		journal.by("a", commit("t/0", journal.fence("t/0") - 1, 9n));
		expect(committed("t/0")).toBeUndefined();
		journal.by("a", commit("t/0", journal.fence("t/0"), 9n));
		expect(committed("t/0")).toBe(9n);
	});

	it("goes backwards only as a rewind", () => {
		journal.by("a", commit("t/0", journal.fence("t/0"), 9n));
		journal.by("a", commit("t/0", journal.fence("t/0"), 4n));
		expect(committed("t/0")).toBe(9n);
		journal.by("a", commit("t/0", journal.fence("t/0"), 4n, true));
		expect(committed("t/0")).toBe(4n);
	});

	it("is judged item by item", () => {
		const item = (partition: string, fence: number) => ({ partition, fence, offset: 1n, last: undefined, rewind: false });
		journal.by("a", { type: "commit", items: [item("t/0", 0), item("t/1", journal.fence("t/1"))] });
		expect([committed("t/0"), committed("t/1")]).toEqual([undefined, 1n]);
	});
});

describe("expire", () => {
	it("counts only if the accused has not been heard of since", () => {
		journal.join("b");
		const seen = journal.state.members.get("b")?.last ?? 0;
		journal.by("b");
		journal.by("a", { type: "expire", member: "b", last: seen });
		expect(journal.state.members.has("b")).toBe(true);
		journal.by("a", { type: "expire", member: "b", last: seen + 1 });
		expect(journal.state.members.has("b")).toBe(false);
	});

	it("frees what the accused had, for those who were to have it", () => {
		journal.join("b");
		journal.plan("a", { "t/0": "a", "t/1": "b" });
		journal.join("c");
		journal.plan("a", { "t/0": "a", "t/1": "c" });
		journal.by("a", { type: "expire", member: "b", last: journal.state.members.get("b")?.last ?? 0 });
		expect(journal.owners()).toEqual({ "t/0": "a", "t/1": "c" });
	});
});

describe("a static join of an earlier era", () => {
	it("counts for nothing: it was written for a journal that was lost since", () => {
		journal.join("s", { instanceId: "one", era: journal.state.era + 1 });
		journal.join("ghost", { instanceId: "one", era: journal.state.era });
		expect([...journal.state.members.keys()]).toContain("s");
		expect([...journal.state.members.keys()]).not.toContain("ghost");
		journal.join("heir", { instanceId: "one", era: journal.state.era + 1 });
		expect([...journal.state.members.keys()]).not.toContain("s");
	});
});

describe("abandon", () => {
	it("frees the partition and bars its author until it returned", () => {
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		journal.by("a", { type: "abandon", items: [{ partition: "t/0", fence: journal.fence("t/0") }] });
		expect(journal.owners()).toEqual({ "t/1": "a" });
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		expect(journal.owners()).toEqual({ "t/1": "a" });
		journal.by("a", { type: "returned", partitions: ["t/0"] });
		journal.plan("a", { "t/0": "a", "t/1": "a" });
		expect(journal.owners()).toEqual({ "t/0": "a", "t/1": "a" });
		expect(journal.state.barred.size).toBe(0);
	});

	it("asks for a plan when it returned, also if somebody else has it by then: shares are to be even again", () => {
		journal.join("b");
		journal.plan("a", { "t/0": "a", "t/1": "b" });
		journal.by("a", { type: "abandon", items: [{ partition: "t/0", fence: journal.fence("t/0") }] });
		journal.plan("a", { "t/0": "b", "t/1": "b" });
		const { epoch } = journal.state;
		journal.by("a", { type: "returned", partitions: ["t/0"] });
		expect(journal.state.epoch).toBeGreaterThan(epoch);
	});

	it("asks for a plan when another process takes its author's place: nobody hangs there", () => {
		journal.join("s", { instanceId: "one" });
		journal.plan("a", { "t/0": "s", "t/1": "a" });
		journal.by("s", { type: "abandon", items: [{ partition: "t/0", fence: journal.fence("t/0") }] });
		journal.plan("a", { "t/1": "a" });
		const { epoch } = journal.state;
		journal.join("s2", { instanceId: "one" });
		expect(journal.state.barred.size).toBe(0);
		expect(journal.state.epoch).toBeGreaterThan(epoch);
	});
});

describe("reset", () => {
	const reset = (offset: bigint, ifIndex: number, ifFence: number): GroupEvent => ({
		type: "reset",
		partition: "t/0",
		offset,
		ifIndex,
		ifFence,
	});

	it("of a partition nobody owns counts once", () => {
		journal.admin(reset(5n, 0, 0));
		journal.admin(reset(6n, journal.state.offsets.get("t/0")?.index ?? 0, 0));
		journal.admin(reset(5n, 0, 0));
		expect(committed("t/0")).toBe(6n);
	});

	it("of an owned one needs its fence, and changes it", () => {
		journal.plan("a", { "t/0": "a" });
		const before = journal.fence("t/0");
		journal.admin(reset(5n, 0, 0));
		expect(committed("t/0")).toBeUndefined();
		journal.admin(reset(5n, 0, before));
		journal.by("a", commit("t/0", before, 9n));
		expect(committed("t/0")).toBe(5n);
		expect(journal.fence("t/0")).toBeGreaterThan(before);
		journal.admin(reset(7n, 0, before));
		expect(committed("t/0")).toBe(5n);
	});
});

describe("era", () => {
	it("starts with the first member of a group that has none", () => {
		const other = new Journal();
		other.join("a", { era: 500 });
		other.join("b", { era: 900 });
		expect(other.state.era).toBe(500);
		other.by("a", { type: "leave" });
		other.by("b", { type: "leave" });
		other.join("c", { era: 100 });
		expect(other.state.era).toBe(501);
	});

	it("rises once for a loss that several found, and grants anew what is owned", () => {
		journal.plan("a", { "t/0": "a" });
		const { era } = journal.state;
		const owner = journal.state.owner.get("t/0");
		const before = owner ? fenceOf(journal.state, owner) : 0n;
		journal.by("a", { type: "era", seen: era, to: era + 10, lost: true });
		const granted = journal.fence("t/0");
		journal.by("a", { type: "era", seen: era, to: era + 20, lost: true });
		expect(journal.state.era).toBe(era + 10);
		expect(journal.fence("t/0")).toBe(granted);
		expect(fenceOf(journal.state, { member: "a", fence: granted })).toBeGreaterThan(before);
		expect(journal.state.lostAt).toBeGreaterThan(0);
	});
});

describe("a snapshot", () => {
	it("and what follows gives the same state as all entries", () => {
		journal.join("b", { instanceId: "one" });
		journal.plan("a", { "t/0": "a", "t/1": "b" });
		journal.by("a", {
			type: "commit",
			items: [{ partition: "t/0", fence: journal.fence("t/0"), offset: 2n ** 70n, last: { offset: 1n, digest: "d" }, rewind: false }],
		});
		journal.by("b", { type: "abandon", items: [{ partition: "t/1", fence: journal.fence("t/1") }] });
		journal.join("c");
		journal.by("c", { type: "leave" });
		journal.append({ kind: "snapshot", nonce: "s", asOf: 7n, digest: 1, state: journal.state });
		const bytes = journal.entries.at(-1) ?? new Uint8Array();
		const entry = decodeEntry(bytes);
		const state = entry?.kind === "snapshot" ? entry.state : emptyState();
		applyEntry(state, decodeEntry(bytes), bytes);
		expect(dumpState(state)).toBe(dumpState(journal.state));
		expect(state.snapshot.asOf).toBe(7n);
	});

	it("that is older than the newest, or from the future, changes nothing", () => {
		const old = structuredClone(journal.state);
		journal.by("a");
		journal.append({ kind: "snapshot", nonce: "s", asOf: 9n, digest: 1, state: journal.state });
		const { snapshot } = journal.state;
		journal.append({ kind: "snapshot", nonce: "s", asOf: 3n, digest: 1, state: old });
		journal.append({ kind: "snapshot", nonce: "s", asOf: 99n, digest: 1, state: { ...old, index: 1e6 } });
		expect(journal.state.snapshot).toEqual(snapshot);
	});
});

function joinOf(clientId: string): GroupEvent {
	return {
		type: "join",
		topics: ["t"],
		sessionTimeoutMs: 1000,
		clientId,
		instanceId: undefined,
		version: 1,
		era: 0,
		previous: undefined,
		barred: [],
	};
}

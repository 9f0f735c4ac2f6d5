import { beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../test/group-journal/entries.ts";
import { stickyAssignor } from "../consumer-group/assignors/sticky.ts";
import { decodeEntry } from "./entry-codec.ts";
import { Incarnation } from "./incarnation.ts";
import type { Outgoing } from "./outbox.ts";
import { DEFAULT_TIMING } from "./timing.ts";

const REQUEST = {
	group: "g",
	topics: ["t"],
	instanceId: undefined,
	clientId: "c",
	sessionTimeoutMs: 10_000,
	heartbeatMs: 3000,
	assignor: stickyAssignor,
};
const NONE: ReadonlyMap<string, number> = new Map();
const at = (now: number) => ({ now, wall: now });

let journal: Journal;
let member: Incarnation;

beforeEach(() => {
	journal = new Journal();
	member = new Incarnation("me", REQUEST, DEFAULT_TIMING, 1, 0);
});

function introduce(now: number): Outgoing {
	return member.introduce(journal.state, at(now), {
		previous: undefined,
		eraSeen: 0,
		cut: undefined,
		barred: [],
		topics: new Map([["t", 2]]),
	});
}

function readBack(outgoing: Outgoing, now: number): void {
	journal.appendBytes(outgoing.bytes);
	member.read(decodeEntry(outgoing.bytes), journal.state, now);
}

describe("an incarnation", () => {
	it("counts its lease from the first sending of what it read back, not from the reading", () => {
		const join = introduce(100);
		member.stored(join, true, 4000);
		readBack(join, 5000);
		expect([member.lease.holds(at(8099)), member.lease.holds(at(8100))]).toEqual([true, false]);
	});

	it("has no lease from what is only confirmed, only read back, or stored on too few replicas", () => {
		const join = introduce(100);
		member.stored(join, true, 110);
		expect(member.lease.holds(at(120))).toBe(false);
		const other = new Incarnation("other", REQUEST, DEFAULT_TIMING, 1, 0);
		member = other;
		const second = introduce(100);
		readBack(second, 110);
		expect(member.lease.holds(at(120))).toBe(false);
		member.stored(second, false, 120);
		expect(member.lease.holds(at(130))).toBe(false);
		member.stored(second, true, 130);
		expect(member.lease.holds(at(140))).toBe(true);
	});

	it("plans and accuses nobody without a lease", () => {
		const join = introduce(100);
		readBack(join, 110);
		expect(member.compose(journal.state, at(2000), NONE)).toBeUndefined();
		member.stored(join, true, 2000);
		expect(member.compose(journal.state, at(2000), NONE)?.events).toEqual([expect.objectContaining({ type: "plan" })]);
	});

	it("has one entry under way, unchanged, however often it is sent", () => {
		const join = introduce(100);
		member.outbox.trying(100);
		expect(member.outbox.nextTry).toBe(1100);
		member.outbox.failed(join, 300);
		expect(member.outbox.nextTry).toBe(500);
		member.outbox.trying(500);
		expect(member.outbox.current).toBe(join);
		readBack(join, 600);
		expect(member.outbox.current).toBeUndefined();
	});

	it("beats for the shortest session of the group, not only its own", () => {
		journal.join("fast", { sessionTimeoutMs: 3000 });
		const join = introduce(100);
		member.stored(join, true, 105);
		readBack(join, 110);
		const quiet = journal.state.epoch;
		journal.state.planned = quiet;
		expect(member.compose(journal.state, at(1099), NONE)).toBeUndefined();
		expect(member.compose(journal.state, at(1100), NONE)).toEqual({ events: [], commits: [] });
	});

	it("counts the silence of a dead member through hiccups longer than a heartbeat, where it beats more often than it must", () => {
		member = new Incarnation("me", { ...REQUEST, heartbeatMs: 500 }, DEFAULT_TIMING, 1, 0);
		const join = introduce(100);
		member.stored(join, true, 105);
		readBack(join, 110);
		journal.join("dead");
		// Each entry takes three heartbeats to come back, and so long the next one waits.
		const events: string[] = [];
		let sent = 100;
		while (!events.includes("expire") && sent < 30_000) {
			sent += 1500;
			const letter = member.compose(journal.state, at(sent), NONE);
			if (!letter) throw new Error(`nothing to send at ${sent}`);
			events.push(...letter.events.map(({ type }) => type));
			const beat = member.outbox.write(letter, { at: journal.state.index, chain: journal.state.chain }, at(sent));
			readBack(beat, sent + 1490);
			member.stored(beat, true, sent + 1490);
		}
		expect(events).toContain("expire");
		expect(sent).toBeLessThan(10_000 + 2 * 1500);
	});
});

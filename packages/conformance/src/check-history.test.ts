import { describe, expect, it } from "vitest";
import { checkHistory, type HistoryRules, type ViolationKind } from "./check-history.ts";
import { eventLine, type HistoryEvent, parseEventLine } from "./history.ts";

let clock = 0;
const P = "t/0";
const sent = (id: string, offset?: bigint, status: "ok" | "failed" | "unknown" = "ok"): HistoryEvent => ({
	kind: "sent",
	at: ++clock,
	producer: "p",
	id,
	status,
	partition: P,
	...(offset === undefined ? {} : { offset }),
});
const started = (
	member: string,
	offset: bigint,
	fence: bigint,
	more: { id?: string; attempt?: number; key?: string } = {},
): HistoryEvent => ({ kind: "started", at: ++clock, member, partition: P, offset, fence, id: `${offset}`, attempt: 1, ...more });
const finished = (member: string, offset: bigint, fence: bigint): HistoryEvent => ({
	kind: "finished",
	at: ++clock,
	member,
	partition: P,
	offset,
	fence,
});
const committed = (member: string, offset: bigint): HistoryEvent => ({ kind: "committed", at: ++clock, member, partition: P, offset });
const moved = (kind: "assigned" | "revoked" | "lost", member: string): HistoryEvent => ({ kind, at: ++clock, member, partitions: [P] });
const killed = (member: string): HistoryEvent => ({ kind: "ended", at: ++clock, member, how: "killed" });
const handled = (member: string, offset: bigint, fence: bigint): HistoryEvent[] => [
	started(member, offset, fence),
	finished(member, offset, fence),
];

const kinds = (events: HistoryEvent[], rules?: HistoryRules): ViolationKind[] =>
	checkHistory(events, rules).violations.map(({ kind }) => kind);

describe("a history that keeps the contract", () => {
	it("passes with a clean hand-over", () => {
		const events = [
			sent("0", 0n),
			sent("1", 1n),
			moved("assigned", "a"),
			...handled("a", 0n, 1n),
			committed("a", 1n),
			moved("revoked", "a"),
			moved("assigned", "b"),
			...handled("b", 1n, 2n),
			committed("b", 2n),
		];
		expect(checkHistory(events)).toEqual({ violations: [], delivered: 2, distinct: 2, duplicates: 0, ownerChanges: 1 });
	});

	it("passes when what a killed member had in hand comes again, and counts it", () => {
		const events = [
			sent("0", 0n),
			sent("1", 1n),
			...handled("a", 0n, 1n),
			committed("a", 1n),
			started("a", 1n, 1n),
			killed("a"),
			...handled("b", 1n, 2n),
		];
		expect(checkHistory(events)).toMatchObject({ violations: [], duplicates: 1 });
	});

	it("passes when a process that was stopped tells late of a commit that was accepted before", () => {
		const early = [...handled("a", 0n, 1n), killed("a"), ...handled("b", 1n, 2n), committed("b", 2n), committed("a", 1n)];
		expect(kinds(early)).toEqual([]);
	});

	it("passes when a failed message is tried again under the same fence", () => {
		expect(kinds([sent("0", 0n), started("a", 0n, 1n), started("a", 0n, 1n, { attempt: 2 }), finished("a", 0n, 1n)])).toEqual([]);
	});

	it("allows keys to overtake each other where order is by key", () => {
		const events = [started("a", 1n, 1n, { key: "y" }), finished("a", 1n, 1n), started("a", 0n, 1n, { key: "x" })];
		expect(kinds(events, { order: "key", drained: false })).toEqual([]);
		expect(kinds(events, { drained: false })).toEqual(["order"]);
	});

	it("does not ask for what was unknown or failed", () => {
		expect(kinds([sent("0", undefined, "unknown"), sent("1", undefined, "failed")])).toEqual([]);
	});
});

describe("a history that breaks the contract", () => {
	it.each<[ViolationKind, HistoryEvent[], HistoryRules?]>([
		["lost", [sent("0", 0n)]],
		["lost", [sent("0", 0n), started("a", 0n, 1n)]],
		["never-sent", [sent("0", 0n, "failed"), ...handled("a", 0n, 1n)]],
		["inconsistent-offset", [started("a", 0n, 1n, { id: "x" }), killed("a"), started("b", 0n, 2n, { id: "y" })], { drained: false }],
		["stored-twice", [started("a", 0n, 1n, { id: "x" }), finished("a", 0n, 1n), started("a", 1n, 1n, { id: "x" })], { drained: false }],
		[
			"producer-order",
			[sent("first"), sent("second"), started("a", 0n, 1n, { id: "second" }), finished("a", 0n, 1n), started("a", 1n, 1n, { id: "first" })],
			{ drained: false },
		],
		["order", [...handled("a", 1n, 1n), started("a", 0n, 1n)], { drained: false }],
		["order", [started("a", 0n, 1n), started("a", 1n, 1n)], { drained: false }],
		["duplicate", [...handled("a", 0n, 1n), started("a", 0n, 1n)], { drained: false }],
		["duplicate", [...handled("a", 0n, 1n), moved("revoked", "a"), started("b", 0n, 2n)], { drained: false }],
		["double-owner", [started("a", 0n, 2n), finished("a", 0n, 2n), started("b", 1n, 1n)], { drained: false }],
		["double-owner", [...handled("a", 0n, 1n), started("b", 1n, 1n)], { drained: false }],
		["double-owner", [started("a", 0n, 1n), started("b", 1n, 2n)], { drained: false }],
		["handler-after-revoke", [moved("assigned", "a"), moved("revoked", "a"), started("a", 0n, 1n)], { drained: false }],
		["commit-regression", [...handled("a", 0n, 1n), ...handled("a", 1n, 1n), committed("a", 2n), committed("a", 1n)], { drained: false }],
		["early-commit", [started("a", 0n, 1n), committed("a", 1n)], { drained: false }],
		["early-commit", [sent("0", 0n), sent("1", 1n), ...handled("a", 0n, 1n), committed("a", 2n)], { drained: false }],
		["below-commit", [...handled("a", 0n, 1n), committed("a", 1n), killed("a"), started("b", 0n, 2n)], { drained: false }],
	])("is found: %s", (kind, events, rules) => {
		expect(kinds(events, rules)).toEqual([kind]);
	});

	it("excuses what lies within the skew of two processes' clocks, and no more", () => {
		const at = (event: HistoryEvent, time: number): HistoryEvent => ({ ...event, at: time });
		const late = (time: number) => [at(started("b", 1n, 2n), 100), at(started("a", 2n, 1n), time)];
		expect(kinds(late(110), { drained: false, skewMs: 20 })).toEqual([]);
		expect(kinds(late(130), { drained: false, skewMs: 20 })).toEqual(["double-owner"]);
	});
});

describe("a line of a history", () => {
	it("comes back as the event it was", () => {
		const event = started("a", 2n ** 70n, (5n << 64n) | 3n, { key: "kéy" });
		expect(parseEventLine(eventLine(event))).toEqual(event);
	});
});

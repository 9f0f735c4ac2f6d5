import { describe, expect, it } from "vitest";
import { checkHistory, violationLine } from "./check-history.ts";
import type { HistoryEvent } from "./event.ts";
import type { HistoryRules } from "./judge.ts";
import {
	committed,
	failed,
	finished,
	handled,
	healed,
	killed,
	moved,
	observed,
	P,
	quiet,
	sent,
	sought,
	started,
	truncated,
} from "./telling.ts";
import { BROKEN_PROMISES, type ViolationKey } from "./violation.ts";

const found = (events: HistoryEvent[], rules?: HistoryRules) =>
	checkHistory(events, rules).violations.map(({ key, record }) => `${key} ${record}`);
const open: HistoryRules = { drained: false };

/** Two messages in one call. */
const batch = (attempt: number) => [0n, 1n].map((offset) => started("a", offset, 1n, { attempt, batch: attempt }));
const failedBatch = [0n, 1n].map((offset) => failed("a", offset, 1n, false));
const finishedBatch = [0n, 1n].map((offset) => finished("a", offset, 1n));

describe("a history that keeps the contract", () => {
	it("passes with a clean hand-over", () => {
		const events = [
			sent("0", 0n),
			sent("1", 1n),
			moved("assigned", "a"),
			...handled("a", 0n, 1n),
			committed("a", 1n),
			observed(1n, { lag: 1n }),
			moved("revoked", "a"),
			moved("assigned", "b"),
			...handled("b", 1n, 2n),
			committed("b", 2n),
			observed(2n, { lag: 0n }),
		];
		expect(checkHistory(events)).toEqual({ violations: [], delivered: 2, distinct: 2, duplicates: 0, ownerChanges: 1 });
	});

	it.each<[string, HistoryEvent[], HistoryRules?]>([
		[
			"a stopped process tells late of an accepted commit",
			[...handled("a", 0n, 1n), killed("a"), ...handled("b", 1n, 2n), committed("b", 2n), committed("a", 1n)],
		],
		["a failed message is tried again", [sent("0", 0n), started("a", 0n, 1n), started("a", 0n, 1n, { attempt: 2 }), finished("a", 0n, 1n)]],
		["what failed is disposed of, and passed", [sent("0", 0n), started("a", 0n, 1n), failed("a", 0n, 1n, true), committed("a", 1n)]],
		["what was sent is unknown, or failed", [sent("0", undefined, { status: "unknown" }), sent("1", undefined, { status: "failed" })]],
		[
			"keys overtake each other by key",
			[started("a", 1n, 1n, { key: "y" }), finished("a", 1n, 1n), started("a", 0n, 1n, { key: "x" })],
			{ ...open, order: "key" },
		],
		["offsets have gaps", [sent("0", 0n), sent("9", 9n), ...handled("a", 0n, 1n), ...handled("a", 9n, 1n), committed("a", 10n)]],
		[
			"a seek goes back",
			[
				...handled("a", 0n, 1n),
				...handled("a", 1n, 1n),
				committed("a", 2n),
				...sought(),
				...handled("a", 0n, 1n),
				committed("a", 1n),
				observed(1n),
			],
		],
		[
			"a seek goes ahead",
			[sent("0", 0n), sent("1", 1n), sent("2", 2n), ...handled("a", 0n, 1n), ...sought(), ...handled("a", 2n, 1n), committed("a", 3n)],
			open,
		],
		[
			"a commit from before a seek is told after it",
			[...sought(), committed("a", 51n), quiet(1), observed(12n), committed("a", 12n), quiet(1), observed(12n)],
			open,
		],
		[
			"a reader sees the place of before a seek after it",
			[...sought(), observed(64n), quiet(1), committed("a", 12n), quiet(1), observed(12n)],
			open,
		],
		[
			"a batch is handed out at once, and whole again when it failed",
			[...batch(1), ...failedBatch, ...batch(2), ...finishedBatch, committed("a", 2n)],
		],
		[
			"what was handed back goes to the next owner",
			[
				sent("0", 0n),
				started("a", 0n, 1n),
				failed("a", 0n, 1n, false),
				moved("revoked", "a"),
				...handled("b", 0n, 2n),
				committed("b", 1n),
				observed(1n),
			],
		],
		["retention took what waited", [sent("0", 0n), sent("1", 1n), ...handled("a", 0n, 1n), truncated(2n)]],
		[
			"a group begins where the log has got to",
			[sent("0", 0n), committed("a", 1n), sent("1", 1n), ...handled("a", 1n, 1n), committed("a", 2n)],
			open,
		],
		["what waits after the faults moves in time", [sent("0", 0n), healed(), quiet(4000), ...handled("a", 0n, 1n), quiet(9000)]],
	])("passes when %s", (_, events, rules) => {
		expect(found(events, rules)).toEqual([]);
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

	it("is judged group by group", () => {
		const of = (group: string) => handled("a", 0n, 1n).map((event) => ({ ...event, group }));
		expect(found([sent("0", 0n), ...of("g"), ...of("h")])).toEqual([]);
		expect(found([sent("0", 0n), sent("1", 1n), ...of("g"), ...handled("b", 0n, 1n), ...handled("b", 1n, 1n)])).toEqual([`unseen ${P}@1`]);
	});
});

/** Each key, the histories that trip it, and the record that is at fault. */
const BROKEN: Readonly<Record<ViolationKey, readonly (readonly [record: string, events: HistoryEvent[], rules?: HistoryRules])[]>> = {
	"lost-write": [["@1", [sent("0", 0n), sent("1", 1n), sent("2", 2n), ...handled("a", 0n, 1n), ...handled("a", 2n, 1n)], open]],
	unseen: [
		["@0", [sent("0", 0n)]],
		["@0", [sent("0", 0n), started("a", 0n, 1n)]],
	],
	duplicate: [
		["@1", [started("a", 0n, 1n, { id: "x" }), finished("a", 0n, 1n), started("a", 1n, 1n, { id: "x" })], open],
		["@0", [...handled("a", 0n, 1n), started("a", 0n, 1n)], open],
		["@0", [...handled("a", 0n, 1n), moved("revoked", "a"), started("b", 0n, 2n)], open],
	],
	"inconsistent-offsets": [
		["@0", [started("a", 0n, 1n, { id: "x" }), killed("a"), started("b", 0n, 2n, { id: "y" })], open],
		["@0", [sent("x", 0n), started("a", 0n, 1n, { id: "y" })], open],
	],
	"poll-skip": [
		[
			"@1",
			[
				...handled("a", 0n, 1n),
				...handled("a", 2n, 1n),
				killed("a"),
				...handled("b", 0n, 2n),
				...handled("b", 1n, 2n),
				...handled("b", 2n, 2n),
			],
			open,
		],
	],
	"nonmonotonic-poll": [
		["@0", [...handled("a", 1n, 1n), started("a", 0n, 1n)], open],
		["@1", [started("a", 0n, 1n), started("a", 1n, 1n)], open],
		["@1", [started("a", 0n, 1n, { batch: 1 }), started("a", 1n, 1n, { batch: 2 })], open],
		["@0", [started("a", 1n, 1n, { batch: 1 }), started("a", 0n, 1n, { batch: 1 })], open],
		["@1", [...batch(1), ...failedBatch, started("a", 1n, 1n, { batch: 2 }), started("a", 0n, 1n, { batch: 2 })], open],
	],
	"nonmonotonic-send": [
		["@1", [sent("first", 1n, { order: 1 }), sent("second", 0n, { order: 2 })], open],
		[
			"@1",
			[sent("first"), sent("second"), started("a", 0n, 1n, { id: "second" }), finished("a", 0n, 1n), started("a", 1n, 1n, { id: "first" })],
			open,
		],
	],
	"aborted-read": [["@0", [sent("0", undefined, { status: "failed" }), ...handled("a", 0n, 1n)]]],
	"double-owner": [
		["@1", [...handled("a", 0n, 2n), started("b", 1n, 1n)], open],
		["@1", [...handled("a", 0n, 1n), started("b", 1n, 1n)], open],
		["@1", [started("a", 0n, 1n), started("b", 1n, 2n)], open],
	],
	"stale-commit-accepted": [
		["@1", [...handled("a", 0n, 1n), killed("a"), ...handled("b", 1n, 2n), committed("a", 1n, { fence: 1n, asked: "now" })], open],
		["@1", [...handled("a", 0n, 1n), moved("revoked", "a"), ...handled("b", 1n, 2n), committed("a", 1n)], open],
	],
	"commit-regression": [
		["@1", [...handled("a", 0n, 1n), ...handled("a", 1n, 1n), committed("a", 2n), committed("a", 1n)], open],
		["", [observed(2n), observed(1n)], open],
	],
	"commit-beyond-position": [
		["@0", [started("a", 0n, 1n), committed("a", 1n)], open],
		["@0", [started("a", 0n, 1n), failed("a", 0n, 1n, false), committed("a", 1n)], open],
		["@1", [sent("0", 0n), sent("1", 1n), ...handled("a", 0n, 1n), committed("a", 2n)], open],
		["@0", [started("a", 0n, 1n), observed(1n)], open],
		["@1", [...batch(1), finished("a", 0n, 1n), failed("a", 1n, 1n, false), committed("a", 2n)], open],
	],
	"handler-after-revoke": [
		["@0", [moved("assigned", "a"), moved("revoked", "a"), started("a", 0n, 1n)], open],
		["@0", [moved("assigned", "a"), moved("lost", "a"), started("a", 0n, 1n)], open],
	],
	"reset-without-policy": [
		["@0", [...handled("a", 0n, 1n), committed("a", 1n), killed("a"), started("b", 0n, 2n)], open],
		[
			"@1",
			[sent("0", 0n), sent("1", 1n), sent("2", 2n), ...handled("a", 0n, 1n), committed("a", 1n), killed("a"), ...handled("b", 2n, 2n)],
			open,
		],
	],
	"ack-lied": [
		["", [...handled("a", 0n, 1n), committed("a", 1n), quiet(1), observed(0n)], open],
		["", [...handled("a", 0n, 1n), committed("a", 1n), quiet(1), observed(undefined)], open],
	],
	"stuck-partition": [
		["", [sent("0", 0n), healed(), quiet(5000)], open],
		["", [healed(), sent("0", 0n), quiet(5000), ...handled("a", 0n, 1n)]],
		["", [sent("0", 0n), healed(), quiet(600)], { ...open, progressMs: 500 }],
	],
	"lag-negative": [
		["", [observed(1n, { lag: -1n })], open],
		["", [sent("0", 0n), sent("1", 1n), quiet(1), observed(0n, { lag: 1n })], open],
	],
};

describe("a history that breaks the contract", () => {
	const cases = Object.entries(BROKEN).flatMap(([key, all]) =>
		all.map(([record, events, rules], i) => ({ title: `${key} ${i + 1}`, key, record, events, rules })),
	);
	it.each(cases)("is told so: $title", ({ key, record, events, rules }) => {
		expect(found(events, rules)).toEqual([`${key} ${P}${record}`]);
	});

	it("names the record and the promise in one line", () => {
		const [violation] = checkHistory([sent("7", 7n)]).violations;
		expect(violation && violationLine(violation)).toBe(
			`unseen at t/0@7: 7 was acknowledged and never handled (breaks ${BROKEN_PROMISES.unseen})`,
		);
	});
});

describe("what the rules excuse", () => {
	const at = (event: HistoryEvent, time: number): HistoryEvent => ({ ...event, at: time });

	it("is the skew of two processes' clocks, and no more", () => {
		const late = (time: number) => [at(started("b", 1n, 2n), 100), at(started("a", 2n, 1n), time)];
		expect(found(late(110), { ...open, skewMs: 20 })).toEqual([]);
		expect(found(late(130), { ...open, skewMs: 20 })).toEqual([`double-owner ${P}@2`]);
	});

	it("is as many messages stored twice as the producer's window, and no more", () => {
		const twice = (id: string, offset: bigint) => [
			sent(id, offset),
			started("a", offset, 1n, { id }),
			finished("a", offset, 1n),
			started("a", offset + 1n, 1n, { id }),
			finished("a", offset + 1n, 1n),
		];
		const events = [...twice("x", 0n), ...twice("y", 2n)];
		expect(found(events, { storedTwice: 2 })).toEqual([]);
		expect(found(events, { storedTwice: 1 })).toEqual([`duplicate ${P}@3`]);
	});
});

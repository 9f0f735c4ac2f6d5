import { beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../test/group-journal/entries.ts";
import { DEFAULT_TIMING } from "./timing.ts";
import { Watch } from "./watch.ts";

const BEAT = 3000;
const S = 10_000;

let journal: Journal;
let watch: Watch;

beforeEach(() => {
	journal = new Journal();
	journal.join("me");
	journal.join("other");
	watch = new Watch(DEFAULT_TIMING, 0);
});

/** Own entries, sent every beat up to `until`, each read back after `rtt`. */
function beats(from: number, until: number, rtt = 5): void {
	for (let sent = from; sent <= until; sent += BEAT) watch.ownReadBack(sent, sent + rtt, BEAT);
}

function accused(now: number): string[] {
	return watch.judge(journal.state, "me", now).expire.map(({ member }) => member);
}

describe("watching others", () => {
	it("accuses a member that was silent for its session timeout, by own evidence sent after that", () => {
		watch.seen("other", 100);
		beats(0, 9000);
		expect(accused(S + 101)).toEqual([]);
		expect(watch.judge(journal.state, "me", S + 101).probe).toBe(true);
		watch.ownReadBack(S + 101, S + 106, BEAT);
		expect(accused(S + 106)).toEqual(["other"]);
	});

	it("tells when the next silence may be too long", () => {
		watch.seen("other", 100);
		expect(watch.judge(journal.state, "me", 200)).toEqual({ expire: [], probe: false, nextAt: 100 + S + 1 });
	});

	it("waits longer the lower its rank, so that one speaks first", () => {
		const late = new Watch(DEFAULT_TIMING, 0);
		for (const one of [watch, late]) for (let sent = 0; sent <= S + 200; sent += BEAT / 2) one.ownReadBack(sent, sent + 5, BEAT);
		watch.ownReadBack(S + 200, S + 205, BEAT);
		late.ownReadBack(S + 200, S + 205, BEAT);
		expect(watch.judge(journal.state, "me", S + 205).expire).toHaveLength(1);
		expect(late.judge(journal.state, "other", S + 205).expire).toHaveLength(0);
	});

	it("does not count silence during an outage: its own round trip was as slow", () => {
		watch.seen("other", 100);
		beats(0, 3000);
		watch.ownReadBack(6000, 60_000, BEAT);
		watch.ownReadBack(60_001, 60_005, BEAT);
		expect(accused(60_006)).toEqual([]);
		beats(63_000, 72_000);
		expect(accused(72_010)).toEqual(["other"]);
	});

	it("does not count silence while it was paused itself, however fast its next round trip", () => {
		watch.seen("other", 100);
		beats(0, 3000);
		watch.ownReadBack(60_000, 60_002, BEAT);
		watch.ownReadBack(60_003, 60_005, BEAT);
		expect(accused(60_006)).toEqual([]);
	});
});

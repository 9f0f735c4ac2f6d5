import { describe, expect, it } from "vitest";
import { Delays } from "./delays.ts";
import type { Flight } from "./flights.ts";
import { flightHash } from "./flights.ts";
import { Ledger, type Line } from "./ledger.ts";
import { emptySource } from "./produce.ts";
import { claims, type Facts, reportLines, TAKEOVER_MS } from "./report.ts";

const flight = (id: number): Flight => ({ id, delay: 3, distance: 100, time: 1.5 });
const line = (id: number): Line => ({ id, offset: BigInt(id), hash: flightHash(flight(id)), hour: 1, delay: 3 });

/** Ten flights in partition 1; b is killed after seven of them, of which four were committed; a repeats three. */
function goodRun(): Facts {
	const source = emptySource();
	for (let id = 0; id < 10; id++) source.tally.add(1, flightHash(flight(id)));
	const ledger = new Ledger();
	ledger.write({ member: "b", partition: 1, lines: [0, 1, 2, 3, 4, 5, 6].map(line) });
	ledger.write({ member: "a", partition: 1, lines: [4, 5, 6, 7, 8, 9].map(line) });
	return {
		flights: 10,
		source,
		ledger,
		delays: new Delays(),
		kill: { member: "b", atMs: 5_000, partitions: [1], committed: new Map([[1, 4n]]) },
		takeoverMs: new Map([[1, 2_600]]),
		joinMs: new Map([[1, 150]]),
		forecasts: [
			{ share: 0.1, atMs: 1_000, seconds: 9 },
			{ share: 0.5, atMs: 5_000, seconds: 6 },
			{ share: 0.9, atMs: 9_000, seconds: 2 },
		],
		startMs: 0,
		endMs: 11_000,
		lag: 0n,
	};
}

const failed = (facts: Facts) =>
	claims(facts)
		.filter((claim) => !claim.holds)
		.map((claim) => claim.text);

function withLedger(write: (ledger: Ledger) => void): Facts {
	const facts = goodRun();
	write(facts.ledger);
	return facts;
}

describe("the claims of a run", () => {
	it("all hold for a run in which nothing went wrong", () => {
		expect(failed(goodRun())).toEqual([]);
	});

	it.each<[string, Partial<Facts>, RegExp]>([
		["a flight that was not sent", { flights: 11 }, /10 of 11 flights were confirmed/],
		["a lag that is not 0", { lag: 3n }, /lag 3/],
		["a lag that is unknown", { lag: undefined }, /lag unknown/],
		["a partition nobody took over", { takeoverMs: new Map() }, /never: partition 1/],
		["a take-over that took too long", { takeoverMs: new Map([[1, TAKEOVER_MS + 1]]) }, /killed → first record/],
		["a new member without a partition", { joinMs: new Map() }, /no new member/],
		["a forecast that was not made", { forecasts: [{ share: 0.1, atMs: 1, seconds: 1 }] }, /forecast at 10 %/],
	])("fail for %s, and for nothing else", (_, change, text) => {
		const lines = failed({ ...goodRun(), ...change });
		expect(lines).toHaveLength(1);
		expect(lines[0]).toMatch(text);
	});

	it("fail for a message whose receipt was not ok", () => {
		const facts = goodRun();
		facts.source.unconfirmed = 1;
		expect(failed(facts)).toEqual([expect.stringMatching(/confirmed by the broker, 1 not/)]);
	});

	it("fail for a record that was lost, naming its partition", () => {
		const facts = goodRun();
		facts.source.tally.add(6, 5);
		expect(failed({ ...facts, flights: 11 })).toEqual([
			expect.stringMatching(/records in 11 = distinct records processed 10/),
			expect.stringMatching(/not the source's in partition 6/),
		]);
	});

	it("fail for a value that changed on its way", () => {
		const facts = goodRun();
		const ledger = new Ledger();
		ledger.write({
			member: "b",
			partition: 1,
			lines: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => (id === 2 ? { ...line(id), hash: 1 } : line(id))),
		});
		expect(failed({ ...facts, ledger })).toEqual([expect.stringMatching(/not the source's in partition 1/)]);
	});

	it("fail for a duplicate below the committed offset, even within the number", () => {
		const facts = goodRun();
		const ledger = new Ledger();
		ledger.write({ member: "b", partition: 1, lines: [0, 1, 2, 3, 4, 5, 6].map(line) });
		ledger.write({ member: "a", partition: 1, lines: [3, 7, 8, 9].map(line) });
		expect(failed({ ...facts, ledger })).toEqual([expect.stringMatching(/^1 duplicates from elsewhere/)]);
	});

	it("fail for more duplicates than were delivered and not committed", () => {
		const facts = withLedger((ledger) => ledger.write({ member: "a", partition: 1, lines: [line(6)] }));
		expect(failed(facts)).toEqual([expect.stringMatching(/^4 duplicates, of at most 3 .*partition 1: 4 of 3/)]);
	});

	it("fail for a partition processed out of order", () => {
		const facts = goodRun();
		const ledger = new Ledger();
		ledger.write({
			member: "a",
			partition: 1,
			lines: [0, 1, 2, 3, 5, 4, 6, 7, 8, 9].map((id, offset) => ({ ...line(id), offset: BigInt(offset) })),
		});
		expect(failed({ ...facts, ledger })).toEqual([expect.stringMatching(/1 records out of order/)]);
	});

	it("fail where nobody was killed", () => {
		const facts = { ...goodRun(), kill: undefined, takeoverMs: new Map<number, number>() };
		expect(failed(facts)).toContain("no member was killed");
	});
});

describe("the report", () => {
	it("puts each forecast beside what it really took, and marks each claim", () => {
		const facts = { ...goodRun(), lag: 3n };
		const lines = reportLines(facts, claims(facts));
		expect(lines).toContainEqual(expect.stringMatching(/10 % +9\.0 s +10\.0 s +-10 % +\(made before the kill\)/));
		expect(lines).toContainEqual(expect.stringMatching(/90 % +2\.0 s +2\.0 s +0 %/));
		expect(lines).toContainEqual("FAILED everything is committed: lag 3");
		expect(lines.filter((line) => line.startsWith("ok  "))).toHaveLength(claims(facts).length - 1);
	});
});

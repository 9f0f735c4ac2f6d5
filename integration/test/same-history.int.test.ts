// One scenario, one file, every backend: each partition must go through the same, but for offsets, fences and times.
import type { Capabilities } from "@polylog/core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BACKENDS, reportBackend, startBackend } from "../src/backends.ts";
import { type Played, playScenario } from "../src/same-history/scenario.ts";

/** What each backend declares where not all declare the same. */
function differences(played: readonly Played[]): Record<string, Record<string, unknown>> {
	const names = Object.keys(played[0]?.capabilities ?? {}) as (keyof Capabilities)[];
	const differing = names.filter((name) => new Set(played.map(({ capabilities }) => capabilities[name])).size > 1);
	return Object.fromEntries(
		differing.map((name) => [name, Object.fromEntries(played.map(({ backend, capabilities }) => [backend, capabilities[name]]))]),
	);
}

describe("one scenario on every backend", { timeout: 60_000 }, () => {
	const played = new Map<string, Played>();
	let reference: Played;
	// In it a member leaves what it has handled uncommitted.
	beforeEach(({ task }) => void (task.meta.historyMayBreak = ["duplicate"]));

	beforeAll(async () => {
		reference = await playScenario("memory:same-history");
	});

	// The reference itself, against what the scenario is: so that a history in which nothing happens is no success.
	it("goes as it is written, on the embedded backend", (context) => {
		reportBackend(context, "memory", undefined);
		const lines = reference.history.flat();
		const handed = lines.filter((line) => line.startsWith("handed"));
		const ofOrder = (id: number) => handed.filter((line) => line.includes(`{"id":${id},`) || line.includes(`{"id":${id}}`));
		const attempts = (id: number) => ofOrder(id).map((line) => / attempt (\d)/.exec(line)?.[1]);
		expect(attempts(0)).toEqual(["1"]);
		expect(attempts(20).slice(0, 3)).toEqual(["1", "2", "3"]);
		expect(attempts(20)).toHaveLength(6);
		expect(attempts(12)).toContain("2");
		expect(attempts(18)).toContain("3");
		// Sent last, and handed out twice: nobody had committed them.
		for (const id of [36, 37, 38, 40, 44, 47]) expect(attempts(id)).toEqual(["1", "1"]);
		expect(reference.stored.flat()).toHaveLength(48);
		expect(reference.stored.flat().filter((line) => line.includes("(tombstone)"))).toHaveLength(4);
		expect(reference.stored.flat()[0]).toMatch(
			/^customer-\d+ \{"id":\d+\} \[trace=\d+, bytes=0xff.., trace=again, x-polylog-producer-group=tills, /,
		);
		const dead = reference.deadLetters.flat();
		expect(dead).toHaveLength(2);
		expect(dead[0]).toMatch(
			/^customer-8 \{"id":20,"fails":"always"\} .+x-polylog-error=HANDLER_FAILED: .+x-polylog-error-offset=#\d+, .+attempts=3\]$/,
		);
		expect(lines.filter((line) => line.endsWith("both have committed: nothing committed"))).toEqual([]);
		expect(lines.filter((line) => line === "== reset to the earliest: 0 committed")).toHaveLength(4);
		played.set("memory", reference);
	});

	it.for(BACKENDS.filter((backend) => backend !== "memory"))("goes the same way on %s", { timeout: 120_000 }, async (backend, context) => {
		await using running = await startBackend(backend);
		reportBackend(context, backend, running);
		const there = await playScenario(running.url);
		played.set(backend, there);
		expect(there.history).toEqual(reference.history);
		expect(there.stored).toEqual(reference.stored);
		expect(there.deadLetters).toEqual(reference.deadLetters);
		for (const fences of there.fences) {
			expect(fences).toEqual(fences.toSorted((a, b) => Number(a - b)));
			// From the member that left to the third one, at the least.
			expect(new Set(fences).size).toBeGreaterThan(1);
		}
	});

	it("differs only in what the backends declare", () => {
		const declared = differences([...played.values()]);
		console.table(declared);
		expect([...played.keys()]).toEqual([...BACKENDS]);
		expect(Object.keys(declared)).toContain("multiProcess");
	});
});

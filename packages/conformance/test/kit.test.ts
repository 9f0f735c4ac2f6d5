// The kit, judged: a driver that breaks a promise has to be rejected by the check made for it, and for that reason.
import { CHECKS, escapes, runChecks, tapped } from "@polylog/conformance";
import { describe, expect, it } from "vitest";
import { BROKEN_COORDINATORS, withCoordinator } from "./broken-coordinators.ts";
import { BROKEN_LOGS } from "./broken-logs.ts";
import { harness, run } from "./run-broken.ts";
import { sparseAdapter } from "./sparse-log.ts";
import { memoryAdapter } from "@polylog/core/testing";

const broken = [
	...Object.entries(BROKEN_LOGS).map(([name, { tap, over = memoryAdapter, rejectedBy }]) => ({
		name,
		rejectedBy,
		adapter: tapped(over, tap),
	})),
	...Object.entries(BROKEN_COORDINATORS).map(([name, { rejectedBy, ...change }]) => ({
		name,
		rejectedBy,
		adapter: withCoordinator(change),
	})),
];

describe("a driver that", { concurrent: true }, () => {
	it.each(broken)("$name is rejected", { timeout: 180_000 }, async ({ name, adapter, rejectedBy }) => {
		const results = await run(
			name,
			adapter,
			rejectedBy.map(([check]) => check),
		);
		expect(escapes(rejectedBy, results, CHECKS)).toEqual([]);
	});

	it(
		"breaks nothing is kept by the same checks, with groups by journal and by the broker, without gaps and with them",
		{ timeout: 180_000 },
		async () => {
			const checks = [...new Set(broken.flatMap(({ rejectedBy }) => rejectedBy.map(([check]) => check)))];
			for (const adapter of [memoryAdapter, withCoordinator({}), sparseAdapter]) {
				const results = await run("whole", adapter, checks);
				expect(results.filter(({ status }) => status !== "kept")).toEqual([]);
			}
		},
	);
});

describe("a check that is taken away", () => {
	it.each(broken)("is missed by the driver that $name", ({ rejectedBy }) => {
		for (const [removed] of rejectedBy) {
			const rest = CHECKS.filter(({ id }) => id !== removed);
			// Whatever the others would say of it.
			const results = rest.map(({ id, promise }) => ({ id, promise, status: "broken", reason: "any" }) as const);
			expect(escapes(rejectedBy, results, rest)).toContain(`there is no check ${removed}`);
		}
	});

	it("lets the driver through that it was made for", { timeout: 20_000 }, async () => {
		const [removed, because] = BROKEN_LOGS["keeps no headers"]?.rejectedBy[0] ?? ["", /./];
		const rest = CHECKS.filter(({ id }) => id.startsWith("records.") && id !== removed && !id.includes("multimap"));
		const adapter = tapped(memoryAdapter, BROKEN_LOGS["keeps no headers"]?.tap ?? {});
		const results = await run(
			"keeps no headers",
			adapter,
			rest.map(({ id }) => id),
		);
		expect(escapes([[removed, because]], results, CHECKS)).toEqual([`${removed} is not run: nobody rejected it`]);
	});
});

describe("a report", () => {
	it("calls a check whose capability is declared absent unsupported, and not kept", async () => {
		const [check, ...more] = await run("memory", memoryAdapter, ["processes.share"]);
		expect(more).toEqual([]);
		expect(check).toMatchObject({ status: "unsupported", reason: expect.stringContaining("multiProcess") });
	});

	it("replays with the seed it names", async () => {
		const adapter = memoryAdapter;
		const report = await runChecks(harness("memory", adapter), { only: ["records.bytes"], seed: "replayed" });
		expect(report).toMatchObject({ seed: "replayed", backend: "memory", results: [{ id: "records.bytes", status: "kept" }] });
	});
});

describe("the checks", () => {
	it("have ids of their own", () => {
		const ids = CHECKS.map(({ id }) => id);
		expect(new Set(ids).size).toBe(ids.length);
	});

	it("speak of every point of the contract", () => {
		const points = new Set(
			CHECKS.flatMap(({ promise }) => /contract points? ([\d, and]+)/.exec(promise)?.[1]?.match(/\d+/g) ?? []).map(Number),
		);
		const untold = Array.from({ length: 16 }, (_, i) => i + 1).filter((point) => !points.has(point));
		expect(untold).toEqual([]);
	});
});

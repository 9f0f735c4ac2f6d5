// Bounds in time, judged: a driver that holds the event loop keeps the kit's own timers from ringing, and has to be rejected all
// the same. In a file of its own, since it holds everybody's.
import { CHECKS, delegate, escapes, type Rejection, type Tap, tapped } from "@polylog/conformance";
import { memoryAdapter } from "@polylog/core/testing";
import { describe, expect, it } from "vitest";
import { withCoordinator } from "./broken-coordinators.ts";
import { run } from "./run-broken.ts";

const asleep = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
/** By the processor's clock, so that a busy machine takes nothing off; looking at it all the time would be work of other threads. */
const atWork = (ms: number) => {
	const start = process.cpuUsage();
	while (process.cpuUsage(start).user < ms * 1000) for (let i = 0; i < 1e6; i++) Math.sqrt(i);
};

/** The connections that a check has used, so that the kit's own close at once. */
const closing = (hold: () => void): Tap => ({
	driver(driver) {
		let used = false;
		return {
			...delegate(driver),
			append(...call) {
				used = true;
				return driver.append(...call);
			},
			close() {
				if (used) hold();
				return driver.close();
			},
		};
	},
});
const leaving = (hold: () => void) =>
	withCoordinator({
		session: (inner) => ({
			leave(options) {
				hold();
				return inner.leave(options);
			},
		}),
	});

const MEMBER: readonly Rejection[] = [["closing.idle", /closing took/]];
const BROKER: readonly Rejection[] = [["closing.twice", /closing the broker twice took longer/]];

describe("a driver that holds the event loop", () => {
	it.each([
		{ when: "asleep while it leaves a group", adapter: leaving(() => asleep(2500)), rejectedBy: MEMBER },
		{ when: "at work while it leaves a group", adapter: leaving(() => atWork(3000)), rejectedBy: MEMBER },
		{
			when: "asleep while it closes",
			adapter: tapped(
				memoryAdapter,
				closing(() => asleep(3500)),
			),
			rejectedBy: BROKER,
		},
	])("$when is rejected", { timeout: 90_000 }, async ({ when, adapter, rejectedBy }) => {
		const results = await run(
			when,
			adapter,
			rejectedBy.map(([check]) => check),
		);
		expect(escapes(rejectedBy, results, CHECKS)).toEqual([]);
	});
});

import { expect, it } from "vitest";
import { ManualClock } from "../../test/manual-clock.ts";
import { Watchdog } from "./watchdog.ts";

it("reports each handler once, when its own time is over", async () => {
	const clock = new ManualClock();
	const late: string[] = [];
	const watchdog = new Watchdog<{ name: string }>(clock, 100, ({ name }) => late.push(name));
	const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
	watchdog.start(a);
	await clock.advance(60);
	watchdog.start(b);
	watchdog.start(c);
	await clock.advance(30);
	expect(watchdog.stop(c)).toBe(true);
	await clock.advance(10);
	expect(late).toEqual(["a"]);
	expect(watchdog.stop(a)).toBe(false);
	await clock.advance(60);
	expect(late).toEqual(["a", "b"]);
	expect(clock.timers).toBe(0);
});

it("holds no timer without a limit", () => {
	const clock = new ManualClock();
	const watchdog = new Watchdog<object>(clock, Infinity, () => {});
	const handler = {};
	watchdog.start(handler);
	expect(clock.timers).toBe(0);
	expect(watchdog.stop(handler)).toBe(true);
});

import { describe, expect, it } from "vitest";
import { Lease } from "./lease.ts";

const at = (now: number, wall = now) => ({ now, wall });

describe("a lease", () => {
	it("does not hold before the first proof", () => {
		expect(new Lease(8000, 1000).holds(at(0))).toBe(false);
	});

	it("ends by the clock, counted from when the proof was sent", () => {
		const lease = new Lease(8000, 1000);
		lease.renew(at(100));
		expect([lease.holds(at(8099)), lease.holds(at(8100))]).toEqual([true, false]);
	});

	it("is not shortened by the proof of an older entry", () => {
		const lease = new Lease(8000, 1000);
		lease.renew(at(5000));
		lease.renew(at(100));
		expect(lease.holds(at(9000))).toBe(true);
	});

	it("ends when the wall clock ran ahead: the machine was suspended", () => {
		const lease = new Lease(8000, 1000);
		lease.renew(at(100));
		expect([lease.holds(at(200, 1200)), lease.holds(at(200, 1201)), lease.holds(at(200, -5000))]).toEqual([true, false, true]);
	});
});

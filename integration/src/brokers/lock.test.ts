import { describe, expect, it } from "vitest";
import { withLock } from "./lock.ts";

describe("a lock", () => {
	it("lets one in at a time, also after one that failed", async ({ skip }) => {
		skip(process.platform !== "linux", "only Linux has the sockets it is made of; elsewhere the action runs at once");
		let inside = 0;
		const enter = (fails: boolean) =>
			withLock(`test-${process.pid}`, async () => {
				inside += 1;
				expect(inside).toBe(1);
				await new Promise((resolve) => setTimeout(resolve, 5));
				inside -= 1;
				if (fails) throw new Error("inside");
			});
		const results = await Promise.allSettled([enter(true), enter(false), enter(false)]);
		expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "fulfilled", "rejected"]);
	});
});

import { describe, expect, it } from "vitest";
import { ManualClock } from "../test/manual-clock.ts";
import { Backend } from "./backend.ts";
import type { Driver } from "./driver/driver.ts";
import { PolylogError } from "./errors.ts";
import { silentLog } from "./log.ts";

function backend(time: ManualClock): Backend {
	// Only its errors are looked at.
	const driver = { name: "test", classify: () => ({ code: "UNKNOWN" }) } as unknown as Driver;
	const random = { fraction: () => 0.5, hex: () => "" };
	return new Backend({ driver, clock: time, random, log: silentLog, clientId: "test", secrets: [], display: "test:" });
}

/** Past the first try, which no timer waits for. */
async function pass(time: ManualClock, ms: number): Promise<void> {
	await time.yield();
	await time.advance(ms);
}

const lost = () => new PolylogError("CONNECTION_LOST", "the connection broke");

describe("a call made patiently", () => {
	it("is repeated while the broker cannot be reached, and told so", async () => {
		const time = new ManualClock();
		const tries: boolean[] = [];
		const result = backend(time).patiently("asking", async (again) => {
			tries.push(again);
			if (tries.length < 3) throw lost();
			return "answer";
		});
		await pass(time, 1000);
		expect(await result).toBe("answer");
		expect(tries).toEqual([false, true, true]);
	});

	it("fails with the broker's last error after 10 s", async () => {
		const time = new ManualClock();
		let tries = 0;
		const result = backend(time).patiently("asking", async () => {
			tries++;
			throw lost();
		});
		let before = 0;
		const waiting = pass(time, 8000).then(() => {
			before = tries;
			return pass(time, 4000);
		});
		await Promise.all([expect(result).rejects.toMatchObject({ code: "CONNECTION_LOST" }), waiting]);
		expect(before).toBeGreaterThan(8);
		expect(tries).toBeGreaterThan(before);
	});

	it("fails at once for any other reason", async () => {
		let tries = 0;
		const asked = backend(new ManualClock()).patiently("asking", async () => {
			tries++;
			throw new PolylogError("TOPIC_NOT_FOUND", "no such topic");
		});
		await expect(asked).rejects.toMatchObject({ code: "TOPIC_NOT_FOUND" });
		expect(tries).toBe(1);
	});

	it("is CLOSED as soon as the broker is", async () => {
		const time = new ManualClock();
		const used = backend(time);
		const asked = used.patiently("asking", async () => {
			throw lost();
		});
		used.close();
		await Promise.all([expect(asked).rejects.toMatchObject({ code: "CLOSED" }), pass(time, 2000)]);
	});
});

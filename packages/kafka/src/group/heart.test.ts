import type { Clock } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { Heart } from "./heart.ts";

const SESSION_MS = 4000;

/** `tick` is its timer; what is alive is asked by the clock. */
function heartAt(vouch = async () => false) {
	const time = { now: 0, tick: () => {} };
	const clock: Clock = {
		now: () => time.now,
		wall: () => time.now,
		after(_, callback) {
			time.tick = callback;
			return () => {};
		},
		yield: async () => {},
	};
	const membership = () => ({ group: "g", memberId: "m", generation: 1, instanceId: undefined });
	const parts = { clock, sessionTimeoutMs: SESSION_MS, intervalMs: 500, membership, beat: async () => true, vouch, expired: () => {} };
	return { heart: new Heart(parts), time };
}

describe("a heart", () => {
	it("lives for a session from when the last accepted heartbeat was sent", () => {
		const { heart, time } = heartAt();
		expect(heart.alive).toBe(false);
		heart.confirm(0);
		time.now = SESSION_MS - 1;
		expect(heart.alive).toBe(true);
		time.now = SESSION_MS;
		expect(heart.alive).toBe(false);
	});

	it("lives no longer than a session after a commit that was not answered, whatever its heartbeats say", () => {
		const { heart, time } = heartAt();
		heart.doubt();
		for (time.now = 0; time.now < SESSION_MS; time.now += 500) {
			heart.confirm(time.now);
			// Sent again: the first time counts.
			heart.doubt();
			expect(heart.alive).toBe(true);
		}
		heart.confirm(time.now);
		expect(heart.alive).toBe(false);
		heart.trust();
		expect(heart.alive).toBe(true);
	});

	it("lives on without an answer while other brokers name the same coordinator, and for a session after they last did", async () => {
		let named = true;
		const { heart, time } = heartAt(async () => named);
		heart.confirm(0);
		heart.doubt();
		for (time.now = 500; time.now <= 3 * SESSION_MS; time.now += 500) {
			time.tick();
			await Promise.resolve();
			await Promise.resolve();
			expect(heart.alive).toBe(true);
		}
		named = false;
		const last = time.now - 500;
		for (; time.now <= last + SESSION_MS + 500; time.now += 500) {
			expect(heart.alive).toBe(time.now < last + SESSION_MS);
			time.tick();
			await Promise.resolve();
			await Promise.resolve();
		}
	});

	it("doubts nothing any more once the membership is another", () => {
		const { heart, time } = heartAt();
		heart.confirm(0);
		heart.doubt();
		time.now = SESSION_MS;
		heart.forget();
		heart.confirm(time.now);
		expect(heart.alive).toBe(true);
	});
});

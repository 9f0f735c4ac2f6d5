import type { Clock } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { Heart } from "./heart.ts";

const SESSION_MS = 4000;

/** Timers never fire here: what is asked is asked by the clock. */
function heartAt() {
	const time = { now: 0 };
	const clock: Clock = { now: () => time.now, wall: () => time.now, after: () => () => {}, yield: async () => {} };
	const parts = {
		clock,
		sessionTimeoutMs: SESSION_MS,
		intervalMs: 500,
		membership: () => undefined,
		beat: async () => true,
		expired: () => {},
	};
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

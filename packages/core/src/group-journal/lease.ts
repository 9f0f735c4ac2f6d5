// Whether a member may believe that it still is one. Trust counts from the moment its latest proven entry was first sent,
// by its own monotonic clock: nobody can have expired it before that time plus the session timeout.
import type { Clock } from "../clock.ts";

export interface Instant {
	readonly now: number;
	readonly wall: number;
}

export function instant(clock: Clock): Instant {
	return { now: clock.now(), wall: clock.wall() };
}

export class Lease {
	readonly #lengthMs: number;
	readonly #suspendMs: number;
	#anchor: Instant | undefined;

	constructor(lengthMs: number, suspendMs: number) {
		this.#lengthMs = lengthMs;
		this.#suspendMs = suspendMs;
	}

	/** An entry first sent at `sent` was read back, and is stored as safely as was asked for. */
	renew(sent: Instant): void {
		if (!this.#anchor || sent.now >= this.#anchor.now) this.#anchor = sent;
	}

	/** Asked before every dispatch; no timer, since after a pause the timer would come late. */
	holds({ now, wall }: Instant): boolean {
		if (!this.#anchor || now - this.#anchor.now >= this.#lengthMs) return false;
		// The monotonic clock stands still while a machine is suspended, the wall clock does not.
		return wall - this.#anchor.wall - (now - this.#anchor.now) <= this.#suspendMs;
	}
}

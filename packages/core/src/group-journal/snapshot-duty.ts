// When a member writes a snapshot, so that entries before it may be removed.
import { type GroupState, rankOf } from "./state.ts";
import type { JournalTiming } from "./timing.ts";

export class SnapshotDuty {
	readonly #timing: JournalTiming;
	#askedAt: number | undefined;
	#sentAt = Number.NEGATIVE_INFINITY;

	constructor(timing: JournalTiming) {
		this.#timing = timing;
	}

	/** Called after each entry. */
	observe(state: GroupState, now: number): void {
		if (!state.asked) this.#askedAt = undefined;
		else this.#askedAt ??= now;
	}

	sent(now: number): void {
		this.#sentAt = now;
	}

	dueAt(state: GroupState, me: string): number {
		const rank = rankOf(state, me);
		const every = Math.max(this.#timing.snapshotBytes, this.#timing.snapshotGrowth * state.snapshot.bytes);
		const retry = this.#sentAt + this.#timing.snapshotRetryMs;
		if (state.total - state.snapshot.total >= every * (1 + 0.5 * rank)) return retry;
		if (this.#askedAt === undefined) return Number.POSITIVE_INFINITY;
		return Math.max(retry, this.#askedAt + rank * this.#timing.snapshotRetryMs);
	}
}

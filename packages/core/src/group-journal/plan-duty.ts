// When a member proposes a plan: after a quiet time, so that fifty joins make one plan; the first in rank first.
import { type GroupState, rankOf } from "./state.ts";
import type { JournalTiming } from "./timing.ts";

export class PlanDuty {
	readonly #timing: JournalTiming;
	#changedAt: number;
	#unplannedSince: number;
	#urgent = false;
	#epoch: number | undefined;
	#members = 0;

	constructor(timing: JournalTiming, now: number) {
		this.#timing = timing;
		this.#changedAt = this.#unplannedSince = now;
	}

	/** Called after each entry. */
	observe(state: GroupState, now: number): void {
		if (state.epoch === this.#epoch) return;
		const wasPlanned = this.#epoch === undefined || state.planned === this.#epoch;
		this.#urgent = this.#epoch !== undefined && state.members.size <= this.#members;
		this.#epoch = state.epoch;
		this.#members = state.members.size;
		this.#changedAt = now;
		if (wasPlanned) this.#unplannedSince = now;
	}

	dueAt(state: GroupState, me: string): number {
		if (state.planned === state.epoch) return Number.POSITIVE_INFINITY;
		const quiet = Math.min(this.#changedAt + this.#quietMs(state), this.#unplannedSince + this.#timing.debounceMaxMs);
		return quiet + rankOf(state, me) * this.#timing.planFallbackMs;
	}

	#quietMs(state: GroupState): number {
		// Somebody left: partitions stand still until the plan.
		if (this.#urgent) return this.#timing.debounceUrgentMs;
		return state.owner.size === 0 ? this.#timing.debounceFirstMs : this.#timing.debounceMs;
	}
}

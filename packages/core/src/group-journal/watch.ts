// Judges the silence of others. Silence counts only while this member had a regular chain of its own evidence: an outage
// or a pause of its own must not look like the death of everybody else.
import type { GroupState } from "./state.ts";
import { rankOf } from "./state.ts";
import type { JournalTiming } from "./timing.ts";

export interface Verdict {
	readonly expire: readonly { readonly member: string; readonly last: number }[];
	/** Silent for too long, but this member's own evidence is older: beat, then judge. */
	readonly probe: boolean;
	/** When the next silence may become too long. */
	readonly nextAt: number;
}

export class Watch {
	readonly #timing: JournalTiming;
	readonly #seen = new Map<string, number>();
	#floor: number;
	#ownSent = Number.NEGATIVE_INFINITY;

	constructor(timing: JournalTiming, now: number) {
		this.#timing = timing;
		this.#floor = now;
	}

	/** An accepted entry of `member` was read. */
	seen(member: string, now: number): void {
		this.#seen.set(member, now);
	}

	/**
	 * An own entry, first sent at `sent`, was read back. The evidence is regular while no round trip is longer than
	 * `gapMs`, and no two entries are twice that apart. A share of the session timeout and not the heartbeat: where members
	 * beat more often than they must, every hiccup longer than a beat would begin the wait for a dead one anew.
	 */
	ownReadBack(sent: number, now: number, gapMs: number): void {
		const slow = now - sent > gapMs;
		const apart = sent - this.#ownSent > 2 * gapMs && this.#ownSent !== Number.NEGATIVE_INFINITY;
		if (slow || apart) this.#floor = now;
		this.#ownSent = Math.max(this.#ownSent, sent);
	}

	judge(state: GroupState, me: string, now: number): Verdict {
		const patience = 1 + this.#timing.accuseStagger * Math.min(rankOf(state, me), this.#timing.accuseRanks);
		const expire: { member: string; last: number }[] = [];
		let probe = false;
		let nextAt = Number.POSITIVE_INFINITY;
		for (const [id, member] of state.members) {
			if (id === me) continue;
			const seen = Math.max(this.#seen.get(id) ?? Number.NEGATIVE_INFINITY, this.#floor);
			const limit = member.sessionTimeoutMs * patience;
			if (this.#ownSent - seen > limit) expire.push({ member: id, last: member.last });
			else if (now - seen > limit) probe = true;
			else nextAt = Math.min(nextAt, seen + limit + 1);
		}
		for (const id of this.#seen.keys()) if (!state.members.has(id)) this.#seen.delete(id);
		return { expire, probe, nextAt };
	}
}

// What a session has seen of the journal, to tell after a lost place whether the log went on without it (entries were
// removed by retention) or is another one now (lost, or cut back): then fences handed out before must not come again.
import type { Follower } from "./follower.ts";
import type { GroupState } from "./state.ts";

interface Seen {
	readonly index: number;
	readonly chain: number;
	readonly position: bigint | undefined;
	readonly offsets: GroupState["offsets"];
}

export interface Cut {
	/** The era that has to be passed. */
	readonly era: number;
	readonly offsetsLost: boolean;
}

export class History {
	#era = 0;
	#seen: Seen | undefined;
	#owed: Cut | undefined;

	/** The highest era ever seen. */
	get era(): number {
		return this.#era;
	}

	/** A cut that the group may not have answered with a new era yet. */
	get owed(): Cut | undefined {
		return this.#owed;
	}

	/** After each batch of entries that were read as a member. */
	note({ state, cursor }: Follower): void {
		this.#era = Math.max(this.#era, state.era);
		this.#seen = { index: state.index, chain: state.chain, position: cursor?.position, offsets: state.offsets };
		if (this.#owed && state.era > this.#owed.era && (!this.#owed.offsetsLost || state.lostAt > 0)) this.#owed = undefined;
	}

	/** After a boot: the cut, if this is not the log that was seen before, or does not hold all of it. */
	compare(follower: Follower): Cut | undefined {
		const seen = this.#seen;
		if (!seen || seen.index === 0) return undefined;
		const chain = follower.chainAt(seen.index);
		const sameLog = chain !== undefined ? chain === seen.chain : removedByRetention(follower, seen);
		if (sameLog) return undefined;
		const { offsets } = follower.state;
		this.#owed = { era: this.#era, offsetsLost: [...seen.offsets.keys()].some((partition) => !offsets.has(partition)) };
		return this.#owed;
	}
}

function removedByRetention({ state, firstPosition }: Follower, seen: Seen): boolean {
	return state.index > seen.index && firstPosition !== undefined && seen.position !== undefined && firstPosition > seen.position;
}

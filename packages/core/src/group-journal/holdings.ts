// What this member holds, as it has told the listener, and how that follows the group's state.
import type { CommittedOffset, Grant } from "../driver/group-session.ts";
import { type Partition, parsePartitionKey } from "../partition.ts";
import { fenceOf, type GroupState, type Ownership, type PartitionKey } from "./state.ts";

/**
 * - `active`: work may start
 * - `revoking`: the listener finishes its work
 * - `drained`: to be released with the next entry
 * - `gone`: released or abandoned by an entry under way; nothing is committed any more
 */
export type Phase = "active" | "revoking" | "drained" | "gone";

export interface Holding {
	readonly partition: Partition;
	readonly key: PartitionKey;
	readonly fence: bigint;
	/** As the journal counts it. */
	readonly granted: number;
	/** The appending connection at the time of the grant: records read before another one must be proven on that. */
	readonly connection: number;
	phase: Phase;
	/** The last processed record that an accepted commit told, or the grant. */
	last: CommittedOffset["last"];
}

export interface Changes {
	readonly lost: readonly { readonly holding: Holding; readonly reason: string }[];
	readonly revoked: readonly Holding[];
	readonly assigned: readonly Grant[];
}

export class Holdings {
	readonly #held = new Map<PartitionKey, Holding>();
	#turn: number | undefined;

	get(key: PartitionKey): Holding | undefined {
		return this.#held.get(key);
	}

	values(): Iterable<Holding> {
		return this.#held.values();
	}

	inPhase(phase: Phase): Holding[] {
		return [...this.#held.values()].filter((holding) => holding.phase === phase);
	}

	/** Follows the state; tells what the listener must hear. */
	reconcile(state: GroupState, me: string, connection: number): Changes {
		if (state.turn === this.#turn) return { lost: [], revoked: [], assigned: [] };
		this.#turn = state.turn;
		return { lost: this.#drop(state, me), revoked: this.#revoke(state, me), assigned: this.#take(state, me, connection) };
	}

	/** Forgets everything, and tells what the listener has not given up yet. */
	clear(): Holding[] {
		const held = [...this.#held.values()].filter((holding) => holding.phase !== "gone");
		this.#held.clear();
		return held;
	}

	#drop(state: GroupState, me: string): { holding: Holding; reason: string }[] {
		const lost: { holding: Holding; reason: string }[] = [];
		for (const holding of this.#held.values()) {
			const owner = state.owner.get(holding.key);
			if (owner?.member === me && fenceOf(state, owner) === holding.fence) continue;
			this.#held.delete(holding.key);
			if (holding.phase === "gone") continue;
			const reason =
				owner?.member === me ? "granted anew: its offset was reset, or the journal was recovered" : "it was taken by another member";
			lost.push({ holding, reason });
		}
		return lost;
	}

	#revoke(state: GroupState, me: string): Holding[] {
		const revoked: Holding[] = [];
		for (const holding of this.#held.values()) {
			if (holding.phase !== "active" || state.target.get(holding.key) === me) continue;
			holding.phase = "revoking";
			revoked.push(holding);
		}
		return revoked;
	}

	#take(state: GroupState, me: string, connection: number): Grant[] {
		const grants: Grant[] = [];
		for (const [key, owner] of state.owner) {
			if (owner.member !== me || this.#held.has(key)) continue;
			const holding = this.#hold(state, key, owner, connection);
			// Taken away again before anybody heard of it: straight back.
			if (state.target.get(key) !== me) holding.phase = "drained";
			else grants.push(grantOf(state, holding));
		}
		return grants;
	}

	#hold(state: GroupState, key: PartitionKey, owner: Ownership, connection: number): Holding {
		const holding: Holding = {
			partition: parsePartitionKey(key),
			key,
			fence: fenceOf(state, owner),
			granted: owner.fence,
			connection,
			phase: "active",
			last: state.offsets.get(key)?.last,
		};
		this.#held.set(key, holding);
		return holding;
	}
}

function grantOf(state: GroupState, { key, partition, fence }: Holding): Grant {
	const commit = state.offsets.get(key);
	return {
		partition,
		fence,
		committed: commit && { offset: commit.offset, last: commit.last },
		...(commit === undefined && state.lostAt > 0 ? { historyLost: true } : {}),
	};
}

// Who owned what and how that ended, as the journal tells it: grant by grant, by fence.
import { fenceOf, type GroupState } from "@polylog/core/testing";

export type EndKind = "released" | "abandoned" | "left" | "expired" | "replaced" | "gap" | "regranted" | "cut";

export interface OwnershipRecord {
	readonly partition: string;
	readonly fence: bigint;
	/** The member's id. */
	readonly member: string;
	/** Where the group stood at the grant. */
	readonly committed: bigint | undefined;
	/** The end of the partition at the grant. */
	readonly end: bigint;
	/** The next offset its owner may start with. */
	next: bigint | undefined;
	/** How often its owner was sent elsewhere. */
	moves: number;
	ended: EndKind | undefined;
	endedAtMs: number;
}

export class OwnershipHistory {
	readonly #records = new Map<string, OwnershipRecord>();
	readonly #current = new Map<string, OwnershipRecord>();
	readonly #endOf: (partition: string) => bigint;

	/** `endOf`: the end of a partition's log. */
	constructor(endOf: (partition: string) => bigint) {
		this.#endOf = endOf;
	}

	find(partition: string, fence: bigint): OwnershipRecord | undefined {
		return this.#records.get(`${partition} ${fence}`);
	}

	current(partition: string): OwnershipRecord | undefined {
		return this.#current.get(partition);
	}

	/** The state after an entry; `how` tells the way an owner lost what it no longer has. */
	follow(state: GroupState, nowMs: number, how: (partition: string, before: OwnershipRecord) => EndKind): void {
		for (const [partition, record] of this.#current) {
			const owner = state.owner.get(partition);
			if (owner && owner.member === record.member && fenceOf(state, owner) === record.fence) continue;
			record.ended = how(partition, record);
			record.endedAtMs = nowMs;
			this.#current.delete(partition);
		}
		for (const [partition, owner] of state.owner) {
			if (this.#current.has(partition)) continue;
			const fence = fenceOf(state, owner);
			const committed = state.offsets.get(partition)?.offset;
			const known = this.find(partition, fence);
			const again = known?.member === owner.member ? known : undefined;
			const record = again ?? this.#granted(partition, fence, owner.member, committed);
			record.ended = undefined;
			this.#records.set(`${partition} ${fence}`, record);
			this.#current.set(partition, record);
		}
	}

	#granted(partition: string, fence: bigint, member: string, committed: bigint | undefined): OwnershipRecord {
		return { partition, fence, member, committed, end: this.#endOf(partition), next: committed, moves: 0, ended: undefined, endedAtMs: 0 };
	}
}

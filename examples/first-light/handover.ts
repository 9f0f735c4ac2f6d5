// Pure: partitions that change their owner: how long it took, and which duplicates it excuses.
import type { Duplicate, Ledger, WrittenBatch } from "./ledger.ts";

/** Times the first record of each partition under a new owner. */
export class Handover {
	readonly #fromMs: number;
	readonly #isNewOwner: (batch: WrittenBatch) => boolean;
	readonly #firstMs = new Map<number, number>();

	constructor(fromMs: number, isNewOwner: (batch: WrittenBatch) => boolean) {
		this.#fromMs = fromMs;
		this.#isNewOwner = isNewOwner;
	}

	/** Returns whether this was the first of its partition. */
	saw(batch: WrittenBatch, atMs: number): boolean {
		if (this.#firstMs.has(batch.partition) || !this.#isNewOwner(batch)) return false;
		this.#firstMs.set(batch.partition, atMs - this.#fromMs);
		return true;
	}

	covers(partitions: readonly number[]): boolean {
		return partitions.every((partition) => this.#firstMs.has(partition));
	}

	/** By partition, in ms. */
	get times(): ReadonlyMap<number, number> {
		return this.#firstMs;
	}
}

/** What is known of a member that was killed. */
export interface Kill {
	readonly member: string;
	readonly atMs: number;
	readonly partitions: readonly number[];
	/** The group's committed offset of each, read right after the kill. */
	readonly committed: ReadonlyMap<number, bigint>;
}

export interface Bound {
	readonly partition: number;
	readonly committed: bigint;
	/** Records that the killed member had been given and that were not committed: I of the contract. */
	readonly most: number;
	readonly duplicates: number;
}

/** For each partition of the killed member, how many duplicates there may be, and how many there are. */
export function duplicateBounds(kill: Kill, ledger: Ledger): Bound[] {
	return kill.partitions.map((partition) => {
		const committed = kill.committed.get(partition) ?? 0n;
		return {
			partition,
			committed,
			most: ledger.countFirst(kill.member, partition, committed),
			duplicates: ledger.duplicates.filter((duplicate) => duplicate.partition === partition).length,
		};
	});
}

/** Duplicates that the kill does not excuse: not of the killed member, below its last commit, or stored twice. */
export function inexcusable(duplicates: readonly Duplicate[], kill: Kill | undefined): Duplicate[] {
	return duplicates.filter(({ first, partition, offset }) => {
		if (!kill || first.member !== kill.member || !kill.partitions.includes(partition)) return true;
		return first.partition !== partition || first.offset !== offset || offset < (kill.committed.get(partition) ?? 0n);
	});
}

// What one ownership of a partition has committed, and what it may commit next. Pure.
import type { Commit } from "../driver/group-session.ts";
import { recordDigest } from "../driver/record-digest.ts";
import type { RawRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";

export interface RestartOptions {
	/** What the group has committed. */
	readonly committed?: Offset;
	/** Proves it. */
	readonly proof?: Commit["last"];
	/** By the user's will or a policy, so that a commit may go backwards. */
	readonly moved: boolean;
	/** The record before the offset, if it was processed here. */
	readonly last?: RawRecord | undefined;
}

/** How far processing has come: everything below `next`, `last` being the last record of it. */
interface Processed {
	readonly next: Offset;
	readonly last: RawRecord | undefined;
}

export class CommitState {
	readonly #partition: Partition;
	readonly #fence: bigint;
	#committed: Offset | undefined;
	/** What the committed offset was granted with. */
	#granted: Commit["last"];
	/** The next commit may go backwards, and is due even if nothing was processed. */
	#moved = false;
	/** What the `committed` event said last. */
	#told: Offset | undefined;

	constructor(partition: Partition, fence: bigint) {
		this.#partition = partition;
		this.#fence = fence;
	}

	get committed(): Offset | undefined {
		return this.#committed;
	}

	restart({ committed, proof, moved }: RestartOptions): void {
		if (committed !== undefined || moved) this.#granted = proof;
		this.#moved ||= moved;
		if (committed !== undefined) this.#committed = committed;
	}

	/** `emptyTo`: where offsets without records end that follow what is processed. */
	due({ next, last }: Processed, emptyTo: Offset | undefined, explicit: boolean): Commit | undefined {
		if (last === undefined && emptyTo !== undefined && !this.#moved) return this.#commit(emptyTo, this.#granted);
		const offset = emptyTo ?? next;
		if (last === undefined ? !(explicit && this.#moved) : this.#covers(offset)) return undefined;
		return this.#commit(offset, proofOf(last));
	}

	/** Through a record that was processed; `undefined` if it is committed already. */
	through(record: RawRecord): Commit | undefined {
		const offset = record.offset + 1n;
		return this.#covers(offset) ? undefined : this.#commit(offset, proofOf(record));
	}

	/** Exactly `offset`, on the user's word. RangeError for one that was not delivered, or lies behind. */
	at(offset: Offset, position: Offset | undefined, last: RawRecord | undefined): Commit {
		const refuse = (why: string) => new RangeError(`cannot commit offset ${offset} of ${partitionKey(this.#partition)}: ${why}`);
		if (typeof offset !== "bigint" || offset < 0n)
			throw new TypeError(`an offset to commit must be a bigint of at least 0n, not ${offset}`);
		if (position === undefined || offset > position) throw refuse(`only messages below ${position ?? "its start"} were delivered`);
		if (!this.#moved && this.#committed !== undefined && offset < this.#committed)
			throw refuse(`${this.#committed} is committed already; seek back first`);
		return this.#commit(offset, last && last.offset + 1n === offset ? proofOf(last) : undefined);
	}

	/** A commit was accepted; `current`: nobody sought since it was made. */
	accepted({ offset, rewind }: Commit, current: boolean): void {
		if (current) this.#moved = false;
		// Several may be under way: one that was covered by a later one must not take it back.
		if (rewind || this.#committed === undefined || offset > this.#committed) this.#committed = offset;
	}

	/** Where the group stands, if the application has not been told yet. */
	news(): Offset | undefined {
		if (this.#told === this.#committed) return undefined;
		this.#told = this.#committed;
		return this.#told;
	}

	#covers(offset: Offset): boolean {
		return !this.#moved && this.#committed !== undefined && offset <= this.#committed;
	}

	#commit(offset: Offset, last: Commit["last"]): Commit {
		const partition = this.#partition;
		return { partition, fence: this.#fence, offset, ...(last && { last }), ...(this.#moved ? { rewind: true } : {}) };
	}
}

function proofOf(record: RawRecord | undefined): Commit["last"] {
	return record && { offset: record.offset, digest: recordDigest(record) };
}

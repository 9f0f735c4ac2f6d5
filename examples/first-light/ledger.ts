// Pure: what was processed. The application's store, as far as counting goes: it knows every record by its id, so that
// what comes twice is counted as a duplicate and changes nothing else.
import { Tally } from "./tally.ts";

/** One processed flight. */
export interface Line {
	readonly id: number;
	readonly offset: bigint;
	readonly hash: number;
	readonly hour: number;
	readonly delay: number;
}

/** What a member's handler writes: lines of one partition, in the order they were delivered. */
export interface WrittenBatch {
	readonly member: string;
	readonly partition: number;
	readonly lines: readonly Line[];
}

/** Where a record was processed the first time. */
interface First {
	readonly member: string;
	readonly partition: number;
	readonly offset: bigint;
}

export interface Duplicate extends First {
	readonly id: number;
	readonly first: First;
}

export class Ledger {
	/** Of distinct records. */
	readonly tally = new Tally();
	readonly duplicates: Duplicate[] = [];
	readonly #first = new Map<number, First>();
	readonly #lastId = new Map<number, number>();
	readonly #disorder = new Map<number, number>();

	/** Returns the lines that are new. */
	write({ member, partition, lines }: WrittenBatch): Line[] {
		let before = -1n;
		return lines.filter((line) => {
			if (line.offset <= before) this.#outOfOrder(partition);
			before = line.offset;
			return this.#writeLine(line, { member, partition, offset: line.offset });
		});
	}

	/** Records that came in another order than they were sent: the ids of a partition rise, but for repetitions. */
	disorder(partition: number): number {
		return this.#disorder.get(partition) ?? 0;
	}

	/** What `member` was the first to process in a partition at `from` and after. */
	countFirst(member: string, partition: number, from: bigint): number {
		let count = 0;
		for (const first of this.#first.values()) {
			if (first.member === member && first.partition === partition && first.offset >= from) count++;
		}
		return count;
	}

	#writeLine({ id, hash }: Line, at: First): boolean {
		const first = this.#first.get(id);
		if (first) {
			this.duplicates.push({ id, ...at, first });
			return false;
		}
		this.#first.set(id, at);
		this.tally.add(at.partition, hash);
		if (id < (this.#lastId.get(at.partition) ?? -1)) this.#outOfOrder(at.partition);
		this.#lastId.set(at.partition, id);
		return true;
	}

	#outOfOrder(partition: number): void {
		this.#disorder.set(partition, this.disorder(partition) + 1);
	}
}

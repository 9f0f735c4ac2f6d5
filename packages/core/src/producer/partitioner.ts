// Which partition a message goes to: where its key says, or wherever the keyless ones go at the moment.
import type { Random } from "../clock.ts";
import { murmur2 } from "../murmur2.ts";

/** The partition of a key, as Kafka's Java client has it: `toPositive(murmur2(key)) % partitions`. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
	return (murmur2(key) & 0x7fffffff) % partitions;
}

/** Keyless messages stay with one partition until a batch of it goes, then move to the next: few large batches, evenly spread. */
export class KeylessSpread {
	#current: number;
	#last = -1;
	#records = 0;
	readonly #maxRecords: number;

	constructor(random: Random, maxRecords: number) {
		this.#current = Math.floor(random.fraction() * 0x7fffffff);
		this.#maxRecords = maxRecords;
	}

	next(partitions: number): number {
		if (this.#records >= this.#maxRecords) this.advance();
		this.#records++;
		this.#last = this.#current % partitions;
		return this.#last;
	}

	/** A batch of that partition went. */
	taken(index: number): void {
		if (index === this.#last) this.advance();
	}

	/** Moves on to the next partition. */
	advance(): void {
		if (this.#records === 0) return;
		this.#current++;
		this.#records = 0;
	}
}

// Pure: how many records each partition has, and a checksum of them that does not depend on their order.

export interface PartitionTally {
	readonly records: number;
	readonly checksum: number;
}

const NOTHING: PartitionTally = { records: 0, checksum: 0 };

export class Tally {
	readonly #partitions = new Map<number, PartitionTally>();
	#records = 0;

	get records(): number {
		return this.#records;
	}

	add(partition: number, hash: number): void {
		const { records, checksum } = this.of(partition);
		// A sum, not an XOR: a record that is there twice must show. 200,000 times 32 bits fit a number exactly.
		this.#partitions.set(partition, { records: records + 1, checksum: checksum + hash });
		this.#records++;
	}

	of(partition: number): PartitionTally {
		return this.#partitions.get(partition) ?? NOTHING;
	}
}

// A map that finds partitions by value: { topic, index } made anywhere finds its entry.
import { type Partition, partitionKey } from "./partition.ts";

/** A `Map` whose keys are partitions, compared by topic and index. Iterates in the order of insertion. */
export class PartitionMap<V> implements ReadonlyMap<Partition, V> {
	readonly #entries = new Map<string, [Partition, V]>();

	constructor(entries?: Iterable<readonly [Partition, V]>) {
		for (const [partition, value] of entries ?? []) this.set(partition, value);
	}

	get size(): number {
		return this.#entries.size;
	}

	get(partition: Partition): V | undefined {
		return this.#entries.get(partitionKey(partition))?.[1];
	}

	has(partition: Partition): boolean {
		return this.#entries.has(partitionKey(partition));
	}

	set(partition: Partition, value: V): this {
		this.#entries.set(partitionKey(partition), [partition, value]);
		return this;
	}

	delete(partition: Partition): boolean {
		return this.#entries.delete(partitionKey(partition));
	}

	clear(): void {
		this.#entries.clear();
	}

	forEach(callback: (value: V, key: Partition, map: ReadonlyMap<Partition, V>) => void): void {
		for (const [partition, value] of this.#entries.values()) callback(value, partition, this);
	}

	entries(): MapIterator<[Partition, V]> {
		return this.#entries.values();
	}

	*keys(): MapIterator<Partition> {
		for (const [partition] of this.#entries.values()) yield partition;
	}

	*values(): MapIterator<V> {
		for (const [, value] of this.#entries.values()) yield value;
	}

	[Symbol.iterator](): MapIterator<[Partition, V]> {
		return this.entries();
	}
}

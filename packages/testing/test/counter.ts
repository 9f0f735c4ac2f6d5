/** A table with one row for the total, and one for each partition: where the group was when the total was changed last. */
export class Counter {
	total = 0;
	readonly #places = new Map<number, { readonly fence: bigint; readonly next: bigint }>();

	add(amount: number): void {
		this.total += amount;
	}

	/** In one transaction: the total, and the place it stands for. */
	addOnce(partition: number, fence: bigint, offset: bigint, amount: number): void {
		const place = this.#places.get(partition) ?? { fence: 0n, next: 0n };
		// A former owner that does not know yet: its successor repeats the message.
		if (fence < place.fence) throw new Error("the partition has another owner now");
		if (offset >= place.next) this.total += amount;
		this.#places.set(partition, { fence, next: offset >= place.next ? offset + 1n : place.next });
	}
}

// What the data log lost with its tail, by where it stood. A commit is proven by one record, the last one processed: where
// producers send again what was lost and just that record comes to stand at the same offset again, between others, the log
// looks unchanged, and what stands before it may be skipped. Known, and told; everything else is a violation.
import { nameOf, type Sent } from "./producer-oracle.ts";

export class LostTails {
	/** By partition: which records stood where when they were lost. */
	readonly #lost = new Map<string, Set<string>>();
	/** Those of them that were handled. */
	readonly #handled = new Map<string, Set<string>>();

	add(partition: string, from: bigint, records: readonly (Sent | undefined)[], isHandled: (offset: bigint) => boolean): void {
		for (const [i, sent] of records.entries()) {
			const offset = from + BigInt(i);
			if (!sent) continue;
			put(this.#lost, partition, place(offset, sent));
			if (isHandled(offset)) put(this.#handled, partition, place(offset, sent));
		}
	}

	/** Whether the record at `offset` was handled there before it was lost and sent again: nobody need handle it again. */
	isHandled(partition: string, offset: bigint, valueAt: (offset: bigint) => Sent | undefined): boolean {
		const handled = this.#handled.get(partition);
		const now = handled && valueAt(offset);
		return now !== undefined && handled?.has(place(offset, now)) === true;
	}

	/** Whether a record stands between the offsets that stood just there before the tail was lost. */
	looksUnchanged(partition: string, from: bigint, to: bigint, valueAt: (offset: bigint) => Sent | undefined): boolean {
		const lost = this.#lost.get(partition);
		for (let offset = from; lost && offset < to; offset++) {
			const now = valueAt(offset);
			if (now && lost.has(place(offset, now))) return true;
		}
		return false;
	}
}

function place(offset: bigint, sent: Sent): string {
	return `${offset} ${nameOf(sent)}`;
}

function put(places: Map<string, Set<string>>, partition: string, text: string): void {
	places.set(partition, (places.get(partition) ?? new Set()).add(text));
}

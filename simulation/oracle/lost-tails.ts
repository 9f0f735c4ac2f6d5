// What the data log lost with its tail, by where it stood. A commit is proven by one record, the last one processed: where
// producers send again what was lost and just that record comes to stand at the same offset again, between others, the log
// looks unchanged, and what stands before it may be skipped. Known, and told; everything else is a violation.
import type { Sent } from "./producer-oracle.ts";

export class LostTails {
	/** By partition: what stood at an offset when it was lost. */
	readonly #lost = new Map<string, Map<bigint, Sent>>();

	add(partition: string, from: bigint, records: readonly (Sent | undefined)[]): void {
		const lost = this.#lost.get(partition) ?? new Map<bigint, Sent>();
		this.#lost.set(partition, lost);
		for (const [i, sent] of records.entries()) if (sent) lost.set(from + BigInt(i), sent);
	}

	/** Whether a record stands between the offsets that stood just there before the tail was lost. */
	looksUnchanged(partition: string, from: bigint, to: bigint, valueAt: (offset: bigint) => Sent | undefined): boolean {
		const lost = this.#lost.get(partition);
		for (let offset = from; lost && offset < to; offset++) {
			const before = lost.get(offset);
			const now = before && valueAt(offset);
			if (before && now && before.by === now.by && before.n === now.n) return true;
		}
		return false;
	}
}

// The records that are known to be in each partition: by their receipts, or because somebody was handed them.
import type { HistoryEvent, SentEvent } from "./event.ts";
import { Made, placeOf } from "./judge.ts";

export interface KnownRecord {
	readonly id: string;
	readonly offset: bigint;
}

export class KnownRecords {
	readonly #records = new Made<string, Map<bigint, string>>(() => new Map());
	readonly #sent = new Map<string, SentEvent>();
	readonly #idAt = new Map<string, string>();
	readonly #handled = new Set<string>();
	readonly #below = new Map<string, bigint>();

	take(event: HistoryEvent): void {
		if (event.kind === "sent") {
			this.#sent.set(event.id, event);
			const { id, status, partition, offset } = event;
			if (status === "ok" && partition !== undefined && offset !== undefined) this.#records.of(partition).set(offset, id);
		} else if (event.kind === "started") {
			this.#records.of(event.partition).set(event.offset, event.id);
			this.#idAt.set(placeOf(event), event.id);
		} else if (event.kind === "finished" || (event.kind === "failed" && event.disposable)) {
			const id = this.#idAt.get(placeOf(event));
			if (id !== undefined) this.#handled.add(id);
		} else if (event.kind === "truncated") this.#below.set(event.partition, event.below);
	}

	/** In the order of their offsets; without what retention removed. */
	in(partition: string): KnownRecord[] {
		const below = this.#below.get(partition);
		return [...(this.#records.get(partition) ?? [])]
			.filter(([offset]) => below === undefined || offset >= below)
			.map(([offset, id]) => ({ offset, id }))
			.toSorted((a, b) => (a.offset < b.offset ? -1 : 1));
	}

	truncated(partition: string, offset: bigint): boolean {
		return offset < (this.#below.get(partition) ?? offset);
	}

	*acknowledged(): Iterable<SentEvent> {
		for (const sent of this.#sent.values()) if (sent.status === "ok") yield sent;
	}

	/** Whether any group has handled it, where only its id is known. */
	handled(id: string): boolean {
		return this.#handled.has(id);
	}
}

// The application's store, in this process: the ledger, the delays, and the time at which things came in.
import { setTimeout as sleep } from "node:timers/promises";
import { Delays } from "./delays.ts";
import type { Handover } from "./handover.ts";
import { Ledger, type WrittenBatch } from "./ledger.ts";
import type { Store } from "./member.ts";

/** What a write costs its member, as one to a database would: this, not the log, sets the pace. */
const WRITE_MS = 30;

export class Books implements Store {
	readonly ledger = new Ledger();
	readonly delays = new Delays();
	/** When the last record came in that was new. */
	lastMs = 0;
	readonly #watched: { readonly handover: Handover; readonly onFirst: (batch: WrittenBatch) => void }[] = [];

	/** Entered at once, so that it counts even if its member is dead before it hears of it. */
	async write(batch: WrittenBatch): Promise<void> {
		const now = performance.now();
		const fresh = this.ledger.write(batch);
		for (const line of fresh) this.delays.add(line);
		if (fresh.length > 0) this.lastMs = now;
		for (const { handover, onFirst } of this.#watched) if (handover.saw(batch, now)) onFirst(batch);
		await sleep(WRITE_MS);
	}

	/** Calls `onFirst` for the first batch of each partition under its new owner. */
	watch(handover: Handover, onFirst: (batch: WrittenBatch) => void): void {
		this.#watched.push({ handover, onFirst });
	}
}

// The last entries that a reader took in. The entry at its place alone proves the place only as long as the log is the same:
// one that lost its tail may hold just that entry again, at the same position, sent anew behind others. After a disturbance
// all of these are compared, from one that lies before anything that can have been lost.
import { JournalPlaceLost, type JournalEntry } from "../driver/journal-log.ts";

/** A longer tail that was lost and came again entry by entry would go unnoticed. */
const RECENT = 32;

export class Recent {
	#entries: JournalEntry[] = [];
	/** The place among them up to which they were compared; `undefined`: they need not be. */
	#compared: number | undefined;

	/** Until it is over, nothing new may be taken in. */
	get inDoubt(): boolean {
		return this.#compared !== undefined;
	}

	/** What was compared last: read on from there. */
	get anchor(): JournalEntry | undefined {
		return this.#compared === undefined ? undefined : this.#entries[this.#compared];
	}

	push(entry: JournalEntry): void {
		if (this.#entries.push(entry) > RECENT) this.#entries.shift();
	}

	/** Another log, or another place in it. */
	clear(): void {
		this.#entries = [];
		this.#compared = undefined;
	}

	/** They are to be compared from the oldest one that is retained. JournalPlaceLost if none is. */
	doubt(firstRetained: bigint | undefined): void {
		if (this.#entries.length === 0) return;
		const oldest = firstRetained === undefined ? -1 : this.#entries.findIndex(({ position }) => position >= firstRetained);
		if (oldest === -1) throw new JournalPlaceLost();
		this.#compared = oldest;
	}

	/** Takes what was read behind the anchor, and returns what is new of it. JournalPlaceLost if they are not the same. */
	compare(entries: readonly JournalEntry[]): readonly JournalEntry[] {
		for (const [i, { position, bytes }] of entries.entries()) {
			const expected = this.#compared === undefined ? undefined : this.#entries[this.#compared + 1];
			if (!expected) return this.#settled(entries.slice(i));
			if (position !== expected.position || !Buffer.from(bytes).equals(expected.bytes)) throw new JournalPlaceLost();
			this.#compared = (this.#compared ?? 0) + 1;
		}
		return this.#settled([]);
	}

	#settled(entries: readonly JournalEntry[]): readonly JournalEntry[] {
		if (this.#compared === this.#entries.length - 1) this.#compared = undefined;
		return entries;
	}
}

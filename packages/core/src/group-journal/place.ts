// A reader's place in the journal, proven by the last entries that it took in. The entry at the place alone is proof only as
// long as the log is the same: one that lost its tail may hold just that entry again, at the same position, sent anew
// behind others. After a disturbance all of these are compared, from one that lies before anything that can have been lost.
import { type JournalEntry, type JournalLog, JournalPlaceLost } from "../driver/journal-log.ts";

/** A longer tail that was lost and came again entry by entry would go unnoticed. */
const RECENT = 32;

export class Place {
	readonly #log: JournalLog;
	#recent: JournalEntry[] = [];
	/** Which of them was compared last; `undefined`: they need not be. */
	#compared: number | undefined;
	#disturbed = false;
	/** The appending connection at the last read. */
	#connection = 0;

	constructor(log: JournalLog) {
		this.#log = log;
	}

	/** Another log, or another place in it. */
	restart(): void {
		this.#recent = [];
		this.#compared = undefined;
		this.#disturbed = false;
		this.#connection = this.#log.connection;
	}

	/** An entry was taken in: the place lies behind it. */
	push(entry: JournalEntry): void {
		if (this.#recent.push(entry) > RECENT) this.#recent.shift();
	}

	/** The next read is to prove it by more than its entry. */
	doubt(): void {
		this.#disturbed = true;
	}

	/** What is new behind the place. Rejects with JournalPlaceLost if the place is gone. */
	async read(waitMs: number, signal: AbortSignal): Promise<readonly JournalEntry[]> {
		const { connection } = this.#log;
		if (connection !== this.#connection) this.#disturbed = true;
		try {
			if (this.#disturbed && this.#recent.length > 0) this.#compared = await this.#oldest(signal);
			this.#disturbed = false;
			this.#connection = connection;
			return await this.#readBehind(waitMs, signal);
		} catch (error) {
			if (!signal.aborted) this.#disturbed = true;
			throw error;
		}
	}

	async #readBehind(waitMs: number, signal: AbortSignal): Promise<readonly JournalEntry[]> {
		while (this.#compared !== undefined) {
			const entries = await this.#readAgain(this.#compared, waitMs, signal);
			const fresh = this.#compare(entries ?? []);
			if (fresh.length > 0) return fresh;
			if (entries?.length !== 0) continue;
			// The log has become shorter, or this node of the broker is behind.
			await this.#log.read(this.#recent.at(-1), 0, signal);
			return [];
		}
		return this.#log.read(this.#recent.at(-1), waitMs, signal);
	}

	/** What stands behind the one that was compared last; `undefined`: retention has removed that one, and a later one takes its place. */
	async #readAgain(compared: number, waitMs: number, signal: AbortSignal): Promise<readonly JournalEntry[] | undefined> {
		try {
			return await this.#log.read(this.#recent[compared], waitMs, signal);
		} catch (error) {
			if (!isPlaceLost(error)) throw error;
			const oldest = await this.#oldest(signal);
			if (oldest <= compared) throw error;
			this.#compared = oldest;
			return undefined;
		}
	}

	/** The first of the recent entries that is retained. */
	async #oldest(signal: AbortSignal): Promise<number> {
		const { first } = await this.#log.bounds(signal);
		const oldest = first === undefined ? -1 : this.#recent.findIndex(({ position }) => position >= first);
		if (oldest === -1) throw new JournalPlaceLost();
		return oldest;
	}

	/** Returns what is new. */
	#compare(entries: readonly JournalEntry[]): readonly JournalEntry[] {
		let count = 0;
		for (const { position, bytes } of entries) {
			const expected = this.#compared === undefined ? undefined : this.#recent[this.#compared + 1];
			if (!expected) break;
			if (position !== expected.position || !Buffer.from(bytes).equals(expected.bytes)) throw new JournalPlaceLost();
			this.#compared = (this.#compared ?? 0) + 1;
			count++;
		}
		if (this.#compared === this.#recent.length - 1) this.#compared = undefined;
		return entries.slice(count);
	}
}

export function isPlaceLost(error: unknown): boolean {
	return error instanceof JournalPlaceLost || (typeof error === "object" && error !== null && "placeLost" in error);
}

// A reader of the journal: where it is and what everything up to there means. Finds its place at start (from the first
// entry or from a snapshot it can prove), and stops when the place is lost. Used by members and by whoever only looks.
import type { Clock, Random } from "../clock.ts";
import type { JournalBounds, JournalCursor, JournalEntry, JournalLog } from "../driver/journal-log.ts";
import { PolylogError } from "../errors.ts";
import { ChainRing, entryDigest } from "./chain.ts";
import type { Entry, SnapshotEntry } from "./entry.ts";
import { decodeEntry, encodeEntry } from "./entry-codec.ts";
import { applyEntry } from "./fold.ts";
import { isPlaceLost, Place } from "./place.ts";
import { emptyState, type GroupState } from "./state.ts";
import { CHAIN_RING, type JournalTiming } from "./timing.ts";

/** Called after each entry, with the state as that entry left it. */
export type OnEntry = (entry: Entry | undefined) => void;

export interface FollowerContext {
	readonly group: string;
	readonly clock: Clock;
	readonly random: Random;
	readonly timing: JournalTiming;
	/** Sees the state after each entry that a reader takes in: for whoever compares readers. */
	readonly inspect?: (state: GroupState) => void;
}

export class Follower {
	readonly #log: JournalLog;
	readonly #context: FollowerContext;
	readonly #ring = new ChainRing(CHAIN_RING);
	#state = emptyState();
	#cursor: JournalCursor | undefined;
	readonly #place: Place;
	#firstPosition: bigint | undefined;
	/** Index at which the last boot reached the tail: chains before it may be of a log that was cut back. */
	#bootIndex = 0;
	/** Entries that wait for a snapshot to give them a meaning; `undefined` once there is a state. */
	#unplaced: JournalEntry[] | undefined;
	/** The tail is where this comes back. */
	#mark: { readonly nonce: string; sentAt: number } | undefined;

	constructor(log: JournalLog, context: FollowerContext) {
		this.#log = log;
		this.#place = new Place(log);
		this.#context = context;
	}

	get state(): GroupState {
		return this.#state;
	}

	get cursor(): JournalCursor | undefined {
		return this.#cursor;
	}

	/** Where the last boot began to read. */
	get firstPosition(): bigint | undefined {
		return this.#firstPosition;
	}

	get bootIndex(): number {
		return this.#bootIndex;
	}

	/** This reader's chain at an earlier index, if it still knows. */
	chainAt(index: number): number | undefined {
		return this.#ring.at(index);
	}

	/** Starts over: reads what is retained, up to the tail. JOURNAL_UNUSABLE if no snapshot explains it. */
	async boot(signal: AbortSignal): Promise<void> {
		for (;;) {
			try {
				await this.#bootOnce(signal);
				this.#bootIndex = this.#state.index;
				return;
			} catch (error) {
				if (!isPlaceLost(error)) throw error;
			}
		}
	}

	/** One read; takes in what came. Rejects with JournalPlaceLost when the place is gone: `boot` again. */
	async read(waitMs: number, signal: AbortSignal, onEntry?: OnEntry): Promise<number> {
		const entries = await this.#place.read(waitMs, signal);
		for (const entry of entries) this.#take(entry, onEntry);
		return entries.length;
	}

	/** Another reader has read another journal: one of the two has to find out. */
	doubt(): void {
		this.#place.doubt();
	}

	/** Reads up to what was the tail at the time of the call, and proves the place. */
	async catchUp(signal: AbortSignal, onEntry?: OnEntry): Promise<void> {
		const reached = await this.#tail(await this.#log.bounds(signal), signal);
		do {
			await this.#repeatMark(signal);
			await this.read(reached() ? 0 : this.#context.timing.readWaitMs, signal, onEntry);
		} while (!reached());
	}

	async #bootOnce(signal: AbortSignal): Promise<void> {
		this.#state = emptyState();
		this.#cursor = undefined;
		this.#place.restart();
		this.#firstPosition = undefined;
		this.#ring.restart(0);
		const bounds = await this.#log.bounds(signal);
		this.#unplaced = bounds.complete ? undefined : [];
		const reached = await this.#tail(bounds, signal);
		const patience = new Patience(this.#context);
		while (!reached() || this.#unplaced) {
			if (reached()) await this.#ask(patience, signal);
			await this.#repeatMark(signal);
			const entries = await this.#log.read(this.#cursor, this.#context.timing.readWaitMs, signal);
			// Cut off between the two calls: the history is not complete after all.
			if (
				this.#cursor === undefined &&
				bounds.complete &&
				entries[0] &&
				bounds.first !== undefined &&
				entries[0].position !== bounds.first
			) {
				this.#unplaced = [];
			}
			for (const entry of entries) this.#take(entry);
		}
	}

	/** Whether the tail of this moment has been read. Where the broker cannot tell it, a mark is appended and awaited. */
	async #tail({ last }: JournalBounds, signal: AbortSignal): Promise<() => boolean> {
		if (last === undefined) return () => true;
		if (last !== "unknown") return () => (this.#cursor?.position ?? -1n) >= last;
		const nonce = this.#context.random.hex(8);
		this.#mark = { nonce, sentAt: Number.NEGATIVE_INFINITY };
		await this.#repeatMark(signal);
		return () => this.#mark?.nonce !== nonce;
	}

	/** An append may get lost without an error. */
	async #repeatMark(signal: AbortSignal): Promise<void> {
		const now = this.#context.clock.now();
		if (!this.#mark || now - this.#mark.sentAt < this.#context.timing.askMs) return;
		this.#mark.sentAt = now;
		await this.#log.append(encodeEntry({ kind: "mark", nonce: this.#mark.nonce }), this.#log.connection, signal);
	}

	async #ask(patience: Patience, signal: AbortSignal): Promise<void> {
		const { group } = this.#context;
		if (patience.over()) {
			throw new PolylogError(
				"JOURNAL_UNUSABLE",
				`the journal of group "${group}" has no usable snapshot: its beginning was removed and nobody answered; restore it, or delete the group and start it with an explicit position`,
				{ group },
			);
		}
		if (!patience.due()) return;
		await this.#log.append(encodeEntry({ kind: "ask", nonce: this.#context.random.hex(8) }), this.#log.connection, signal);
	}

	#take({ position, bytes }: JournalEntry, onEntry?: OnEntry): void {
		const entry = decodeEntry(bytes);
		this.#firstPosition ??= position;
		this.#cursor = { position, bytes };
		this.#place.push(this.#cursor);
		if (entry?.kind === "mark" && entry.nonce === this.#mark?.nonce) this.#mark = undefined;
		if (!this.#unplaced) return this.#apply(entry, bytes, onEntry);
		this.#unplaced.push({ position, bytes });
		if (entry?.kind === "snapshot") this.#placeBy(entry, this.#unplaced);
	}

	/** A snapshot helps only a reader that has itself read the entry it was taken at: then nothing after it is missing. */
	#placeBy(snapshot: SnapshotEntry, unplaced: readonly JournalEntry[]): void {
		const at = unplaced.findIndex(({ position }) => position === snapshot.asOf);
		const anchor = unplaced[at];
		if (!anchor || entryDigest(anchor.bytes) !== snapshot.digest) return;
		this.#unplaced = undefined;
		this.#state = snapshot.state;
		this.#ring.restart(this.#state.index);
		// Decoded anew: the snapshot's own entry must not carry the state that is updated from here on.
		for (const { bytes } of unplaced.slice(at + 1)) this.#apply(decodeEntry(bytes), bytes);
	}

	#apply(entry: Entry | undefined, bytes: Uint8Array, onEntry?: OnEntry): void {
		applyEntry(this.#state, entry, bytes);
		this.#ring.push(this.#state.index, this.#state.chain);
		this.#context.inspect?.(this.#state);
		onEntry?.(entry);
	}
}

/** How long a reader waits for a snapshot, and how often it asks. */
class Patience {
	readonly #clock: Clock;
	readonly #timing: JournalTiming;
	readonly #since: number;
	#askedAt = Number.NEGATIVE_INFINITY;

	constructor({ clock, timing }: FollowerContext) {
		this.#clock = clock;
		this.#timing = timing;
		this.#since = clock.now();
	}

	over(): boolean {
		return this.#clock.now() - this.#since > this.#timing.bootPatienceMs;
	}

	due(): boolean {
		if (this.#clock.now() - this.#askedAt < this.#timing.askMs) return false;
		this.#askedAt = this.#clock.now();
		return true;
	}
}

// A journal store on virtual time that can fail in the ways real ones do. No broker is imitated: positions have gaps,
// answers get lost, logs are cut back, connections change.
import type { Random } from "../../src/clock.ts";
import type { JournalBounds, JournalCursor, JournalEntry, JournalLog, JournalStore, RecordProof } from "../../src/driver/journal-log.ts";
import { JournalPlaceLost } from "../../src/driver/journal-log.ts";
import type { Process } from "./virtual-clock.ts";

export class SimulatedBroker {
	readonly journals = new Map<string, SimulatedJournal>();
	readonly random: Random;
	/** Appends and reads fail while it is set. */
	down = false;
	/** Chance that an append is stored and answers with an error. */
	lostConfirms = 0;
	/** Chance that an append appears a second time. */
	doubled = 0;
	latencyMs = 2;
	durable = true;
	tellsTail = true;
	/** Rises with a fail-over: every connection is a new one. */
	connection = 1;
	/** Whether a data record is what it was. */
	proves: (proof: RecordProof) => boolean = () => true;
	proofs: RecordProof[] = [];
	appended = 0;

	constructor(random: Random) {
		this.random = random;
	}

	journal(group: string): SimulatedJournal {
		let journal = this.journals.get(group);
		if (!journal) this.journals.set(group, (journal = new SimulatedJournal(this.random)));
		return journal;
	}

	store(process: Process): JournalStore {
		return {
			open: async (group) => {
				this.journal(group);
				return new SimulatedLog(this, group, process);
			},
			find: async (group) => (this.journals.has(group) ? new SimulatedLog(this, group, process) : undefined),
			list: async () => [...this.journals.keys()],
			delete: async (group) => {
				const found = this.journals.delete(group);
				return found;
			},
		};
	}
}

export class SimulatedJournal {
	entries: JournalEntry[] = [];
	truncated = false;
	#next = 0n;
	readonly #random: Random;
	readonly #waiting = new Set<() => void>();

	constructor(random: Random) {
		this.#random = random;
	}

	append(bytes: Uint8Array): void {
		this.#next += this.#random.fraction() < 0.1 ? 2n : 1n;
		this.entries.push({ position: this.#next, bytes });
		this.wake();
	}

	wake(): void {
		for (const wake of this.#waiting) wake();
	}

	onChange(callback: () => void): () => void {
		this.#waiting.add(callback);
		return () => this.#waiting.delete(callback);
	}

	/** The tail is lost; positions are used again. */
	cutBack(entries: number): void {
		this.entries = this.entries.slice(0, Math.max(0, this.entries.length - entries));
		this.#next = this.entries.at(-1)?.position ?? 0n;
		this.wake();
	}

	truncateBefore(position: bigint): void {
		const kept = this.entries.filter((entry) => entry.position >= position);
		if (kept.length < this.entries.length) this.truncated = true;
		this.entries = kept;
	}
}

class SimulatedLog implements JournalLog {
	readonly #broker: SimulatedBroker;
	readonly #group: string;
	readonly #process: Process;
	readonly #closed = new AbortController();

	constructor(broker: SimulatedBroker, group: string, process: Process) {
		this.#broker = broker;
		this.#group = group;
		this.#process = process;
	}

	get connection(): number {
		return this.#broker.connection;
	}

	async append(bytes: Uint8Array, connection: number, signal?: AbortSignal): Promise<{ durable: boolean }> {
		await this.#delay(signal);
		if (connection !== this.#broker.connection) throw new Error("another connection");
		const { random } = this.#broker;
		this.#journal.append(bytes);
		this.#broker.appended++;
		if (random.fraction() < this.#broker.doubled) {
			this.#process.time.after(random.fraction() * 5000, () => this.#journal.append(bytes));
		}
		await this.#delay(signal);
		if (random.fraction() < this.#broker.lostConfirms) throw new Error("the answer got lost");
		return { durable: this.#broker.durable };
	}

	async read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]> {
		await this.#delay(signal);
		if (this.#after(cursor).length === 0 && waitMs > 0) await this.#wait(waitMs, signal);
		this.#check(signal);
		if (cursor && !this.#journal.entries.some((entry) => entry.position === cursor.position && entry.bytes === cursor.bytes))
			throw new JournalPlaceLost();
		return this.#after(cursor).slice(0, 500);
	}

	async prove(proofs: readonly RecordProof[], connection: number, signal?: AbortSignal): Promise<boolean> {
		await this.#delay(signal);
		if (connection !== this.#broker.connection) throw new Error("another connection");
		this.#broker.proofs.push(...proofs);
		return proofs.every((proof) => this.#broker.proves(proof));
	}

	async bounds(signal?: AbortSignal): Promise<JournalBounds> {
		await this.#delay(signal);
		const { entries, truncated } = this.#journal;
		return { first: entries[0]?.position, last: this.#broker.tellsTail ? entries.at(-1)?.position : "unknown", complete: !truncated };
	}

	async settled(connection: number, signal?: AbortSignal): Promise<void> {
		await this.#delay(signal);
		if (connection !== this.#broker.connection) throw new Error("another connection");
		if (!this.#broker.durable) throw new Error("on too few replicas");
	}

	async truncateBefore(position: bigint): Promise<void> {
		this.#journal.truncateBefore(position);
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	get #journal(): SimulatedJournal {
		return this.#broker.journal(this.#group);
	}

	#after(cursor: JournalCursor | undefined): JournalEntry[] {
		const { entries } = this.#journal;
		if (!cursor) return entries;
		let from = entries.length;
		while (from > 0 && (entries[from - 1]?.position ?? 0n) > cursor.position) from--;
		return entries.slice(from);
	}

	async #delay(signal: AbortSignal | undefined): Promise<void> {
		this.#check(signal);
		const { latencyMs, random } = this.#broker;
		await new Promise<void>((resolve) => this.#process.clock.after(latencyMs * (0.5 + random.fraction()), resolve));
		this.#check(signal);
	}

	#check(signal: AbortSignal | undefined): void {
		signal?.throwIfAborted();
		this.#closed.signal.throwIfAborted();
		if (this.#broker.down) throw new Error("the broker is down");
	}

	#wait(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
		return new Promise((resolve) => {
			const done = () => {
				cancel();
				forget();
				signal?.removeEventListener("abort", done);
				this.#closed.signal.removeEventListener("abort", done);
				this.#process.run(resolve);
			};
			const cancel = this.#process.clock.after(waitMs, done);
			const forget = this.#journal.onChange(done);
			signal?.addEventListener("abort", done, { once: true });
			this.#closed.signal.addEventListener("abort", done, { once: true });
		});
	}
}

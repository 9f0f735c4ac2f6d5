// The journal of a group on the embedded backend: a MemoryLog whose records hold one entry each.
import type { Clock } from "../clock.ts";
import type { JournalBounds, JournalCursor, JournalEntry, JournalLog, JournalStore, RecordProof } from "../driver/journal-log.ts";
import { JournalPlaceLost } from "../driver/journal-log.ts";
import { recordDigest } from "../driver/record-digest.ts";
import type { MemoryLink } from "./memory-link.ts";
import { MemoryLog } from "./memory-log.ts";
import type { MemoryStore } from "./memory-store.ts";

const PAGE = { records: 1000, bytes: Number.POSITIVE_INFINITY };

export function memoryJournals(store: MemoryStore, link: MemoryLink, clock: Clock): JournalStore {
	const open = (group: string) => new MemoryJournal(store, group, store.journal(group), link, clock);
	return {
		async open(group) {
			link.check();
			return open(group);
		},
		async find(group) {
			link.check();
			return store.journals.has(group) ? open(group) : undefined;
		},
		async list() {
			link.check();
			return [...store.journals.keys()];
		},
		async delete(group) {
			link.check();
			return store.journals.delete(group);
		},
	};
}

class MemoryJournal implements JournalLog {
	readonly connection = 0;
	readonly #store: MemoryStore;
	readonly #group: string;
	#log: MemoryLog;
	readonly #link: MemoryLink;
	readonly #clock: Clock;
	#closed = new AbortController();

	constructor(store: MemoryStore, group: string, log: MemoryLog, link: MemoryLink, clock: Clock) {
		this.#store = store;
		this.#group = group;
		this.#log = log;
		this.#link = link;
		this.#clock = clock;
	}

	async append(bytes: Uint8Array): Promise<{ durable: boolean }> {
		await this.#turn();
		// Appending makes it again if it was deleted; looking does not.
		this.#log = this.#store.journal(this.#group);
		this.#log.append([{ key: undefined, value: bytes, headers: [], timestamp: 0 }]);
		return { durable: true };
	}

	async read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]> {
		await this.#turn();
		const from = cursor ? cursor.position + 1n : this.#log.earliest;
		if (this.#log.end <= from) await this.#log.wait(waitMs, this.#until(signal));
		signal?.throwIfAborted();
		this.#link.check();
		this.#current();
		if (cursor && !this.#stillThere(cursor)) throw new JournalPlaceLost();
		return this.#log.slice(from < this.#log.earliest ? this.#log.earliest : from, PAGE).map(entryOf);
	}

	async prove(proofs: readonly RecordProof[]): Promise<boolean> {
		await this.#turn();
		return proofs.every(({ partition, offset, digest }) => {
			const log = this.#store.topics.get(partition.topic)?.partitions[partition.index];
			if (!log) return false;
			// Gone by retention alone: the surviving log still reaches beyond it.
			if (offset < log.earliest) return log.end > offset;
			const record = offset < log.end ? log.slice(offset, { records: 1, bytes: 1 })[0] : undefined;
			return record !== undefined && recordDigest(record) === digest;
		});
	}

	async bounds(): Promise<JournalBounds> {
		await this.#turn();
		const { earliest, end } = this.#log;
		const empty = earliest === end;
		return { first: empty ? undefined : earliest, last: empty ? undefined : end - 1n, complete: earliest === 0n };
	}

	async truncateBefore(position: bigint): Promise<void> {
		await this.#turn();
		this.#log.truncateBefore(position);
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	/** A later turn, as with any real log, and the journal as it is then: it may have been deleted and made again. */
	async #turn(): Promise<void> {
		this.#link.check();
		await this.#clock.yield();
		this.#link.check();
		this.#current();
	}

	#current(): void {
		this.#log = this.#store.journals.get(this.#group) ?? new MemoryLog(this.#clock);
	}

	#stillThere(cursor: JournalCursor): boolean {
		if (cursor.position < this.#log.earliest || cursor.position >= this.#log.end) return false;
		const record = this.#log.slice(cursor.position, { records: 1, bytes: 1 })[0];
		return record?.value === cursor.bytes || Buffer.from(record?.value ?? []).equals(cursor.bytes);
	}

	#until(signal: AbortSignal | undefined): AbortSignal {
		return AbortSignal.any([this.#link.signal, this.#closed.signal, ...(signal ? [signal] : [])]);
	}
}

function entryOf(record: { readonly offset: bigint; readonly value: Uint8Array | null }): JournalEntry {
	return { position: record.offset, bytes: record.value ?? new Uint8Array() };
}

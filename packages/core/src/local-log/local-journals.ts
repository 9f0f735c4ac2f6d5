import type { JournalBounds, JournalCursor, JournalEntry, JournalLog, JournalStore, RecordProof } from "../driver/journal-log.ts";
import { JournalPlaceLost } from "../driver/journal-log.ts";
import { recordDigest } from "../driver/record-digest.ts";
import type { Offset } from "../offset.ts";
import { laterTurn, type LocalLog, type LocalLogs, ONE_RECORD, untilMore } from "./local-log.ts";

const PAGE = { records: 1000, bytes: Number.POSITIVE_INFINITY };

/** The journals of groups, each in a local log: a record's value is an entry. */
export function localJournals(logs: LocalLogs): JournalStore {
	return {
		async open(group) {
			await laterTurn(logs);
			logs.journals.open(group);
			return new LocalJournal(logs, group);
		},
		async find(group) {
			await laterTurn(logs);
			return logs.journals.find(group) && new LocalJournal(logs, group);
		},
		async list() {
			await laterTurn(logs);
			return logs.journals.list();
		},
		async delete(group) {
			await laterTurn(logs);
			return logs.journals.delete(group);
		},
	};
}

/** Looks its log up at every call: it may have been deleted, and made again. */
class LocalJournal implements JournalLog {
	/** There is none that could be lost. */
	readonly connection = 0;
	readonly #logs: LocalLogs;
	readonly #group: string;
	readonly #closed = new AbortController();

	constructor(logs: LocalLogs, group: string) {
		this.#logs = logs;
		this.#group = group;
	}

	async append(bytes: Uint8Array): Promise<{ durable: boolean }> {
		await laterTurn(this.#logs);
		// Appending makes it again if it was deleted; looking does not.
		this.#logs.journals.open(this.#group).append([{ key: undefined, value: bytes, headers: [], timestamp: 0 }]);
		return { durable: true };
	}

	async read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]> {
		await laterTurn(this.#logs);
		const entries = this.#after(cursor);
		if (entries.length > 0 || this.#closed.signal.aborted) return entries;
		const from = cursor ? cursor.position + 1n : 0n;
		await untilMore(this.#logs, this.#log, { from, waitMs, signals: [this.#closed.signal, signal] });
		signal?.throwIfAborted();
		this.#logs.signal.throwIfAborted();
		return this.#after(cursor);
	}

	async prove(proofs: readonly RecordProof[]): Promise<boolean> {
		await laterTurn(this.#logs);
		return proofs.every((proof) => recordStands(this.#logs.partition(proof.partition), proof));
	}

	async bounds(): Promise<JournalBounds> {
		await laterTurn(this.#logs);
		const { earliest = 0n, end = 0n } = this.#log ?? {};
		const [first] = earliest < end ? (this.#log?.slice(earliest, ONE_RECORD) ?? []) : [];
		return { first: first?.offset, last: first && end - 1n, complete: earliest === 0n };
	}

	async truncateBefore(position: bigint): Promise<void> {
		await laterTurn(this.#logs);
		this.#log?.truncateBefore(position);
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	get #log(): LocalLog | undefined {
		return this.#logs.journals.find(this.#group);
	}

	#after(cursor: JournalCursor | undefined): JournalEntry[] {
		const log = this.#log;
		if (cursor && !(log && entryAt(log, cursor.position)?.equals(cursor.bytes))) throw new JournalPlaceLost();
		const page = log?.slice(cursor ? cursor.position + 1n : log.earliest, PAGE) ?? [];
		return page.map(({ offset, value }) => ({ position: offset, bytes: value ?? new Uint8Array() }));
	}
}

/** Whether the record still is what it was, or went by retention alone: the log still reaches beyond it. */
export function recordStands(log: LocalLog | undefined, { offset, digest }: Omit<RecordProof, "partition">): boolean {
	if (!log) return false;
	if (offset < log.earliest) return log.end > offset;
	const record = recordAt(log, offset);
	return record !== undefined && recordDigest(record) === digest;
}

function recordAt(log: LocalLog, offset: Offset) {
	const [record] = offset >= log.earliest && offset < log.end ? log.slice(offset, ONE_RECORD) : [];
	return record?.offset === offset ? record : undefined;
}

function entryAt(log: LocalLog, position: bigint): Buffer | undefined {
	const record = recordAt(log, position);
	return record && Buffer.from(record.value ?? []);
}

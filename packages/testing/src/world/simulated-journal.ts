// The journals of groups on the simulated broker.
import {
	type JournalBounds,
	type JournalCursor,
	type JournalEntry,
	type JournalLog,
	JournalPlaceLost,
	type JournalStore,
	type RecordProof,
	recordStands,
} from "@polylog/core/driver";
import type { MemoryLog } from "@polylog/core/testing";
import { type Link, LinkError } from "./link.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

const PAGE = { records: 500, bytes: Number.POSITIVE_INFINITY };

export function simulatedJournals(broker: SimulatedBroker, link: Link): JournalStore {
	const { store } = broker;
	return {
		open: (group, signal) =>
			link.call({
				act: () => {
					store.journal(group);
					return new SimulatedJournal(broker, group, link);
				},
				signal,
			}),
		find: (group, signal) =>
			link.call({ act: () => (store.journals.has(group) ? new SimulatedJournal(broker, group, link) : undefined), signal }),
		list: (signal) => link.call({ act: () => [...store.journals.keys()], signal }),
		delete: (group, signal) => link.call({ act: () => store.journals.delete(group), signal }),
	};
}

class SimulatedJournal implements JournalLog {
	readonly #broker: SimulatedBroker;
	readonly #group: string;
	readonly #link: Link;
	readonly #closed = new AbortController();

	constructor(broker: SimulatedBroker, group: string, link: Link) {
		this.#broker = broker;
		this.#group = group;
		this.#link = link;
	}

	get connection(): number {
		return this.#link.connection;
	}

	async append(bytes: Uint8Array, connection: number, signal?: AbortSignal): Promise<{ durable: boolean }> {
		if (connection !== this.connection) throw new LinkError("another connection");
		return this.#link.call({ append: true, signal, act: () => this.#store(bytes) });
	}

	read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]> {
		const act = async () => {
			const from = cursor ? this.#offset(cursor.position) + 1n : this.#log.earliest;
			if (this.#log.end <= from && waitMs > 0 && this.#intact(cursor)) await this.#log.wait(waitMs, this.#until(signal));
			if (!this.#intact(cursor)) throw new JournalPlaceLost();
			const log = this.#log;
			const start = from < log.earliest ? log.earliest : from;
			return log.slice(start, PAGE).map(({ offset, value }) => ({ position: this.#position(offset), bytes: value ?? new Uint8Array() }));
		};
		return this.#link.call({ act, waitMs, signal: this.#until(signal) });
	}

	async prove(proofs: readonly RecordProof[], connection: number, signal?: AbortSignal): Promise<boolean> {
		if (connection !== this.connection) throw new LinkError("another connection");
		return this.#link.call({ act: () => proofs.every((proof) => recordStands(this.#broker.partition(proof.partition), proof)), signal });
	}

	bounds(signal?: AbortSignal): Promise<JournalBounds> {
		const act = () => {
			const { earliest, end } = this.#log;
			const empty = earliest === end;
			return {
				first: empty ? undefined : this.#position(earliest),
				last: empty ? undefined : this.#position(end - 1n),
				complete: earliest === 0n,
			};
		};
		return this.#link.call({ act, signal });
	}

	truncateBefore(position: bigint, signal?: AbortSignal): Promise<void> {
		const act = () => {
			this.#log.truncateBefore(this.#offset(position));
			for (const watcher of this.#broker.watchers) watcher.journalTruncated?.(this.#group, position);
		};
		return this.#link.call({ act, signal });
	}

	async close(): Promise<void> {
		this.#closed.abort(new LinkError("the journal is closed"));
	}

	get #log(): MemoryLog {
		return this.#broker.store.journal(this.#group);
	}

	#store(bytes: Uint8Array): { durable: boolean } {
		const log = this.#log;
		const position = this.#position(log.end);
		log.append([{ key: undefined, value: bytes, headers: [], timestamp: 0 }]);
		for (const watcher of this.#broker.watchers) watcher.journalAppended?.(this.#group, bytes, position);
		return { durable: this.#broker.durable };
	}

	#intact(cursor: JournalCursor | undefined): boolean {
		if (!cursor) return true;
		const offset = this.#offset(cursor.position);
		const log = this.#log;
		if (offset < log.earliest || offset >= log.end) return false;
		return Buffer.from(log.slice(offset, { records: 1, bytes: 1 })[0]?.value ?? []).equals(cursor.bytes);
	}

	/** Where gaps are asked for, two of three positions are left out, never the same ones. */
	#position(offset: bigint): bigint {
		return this.#broker.positionGaps ? offset * 3n + ((offset * 7n) % 3n) : offset;
	}

	#offset(position: bigint): bigint {
		return this.#broker.positionGaps ? position / 3n : position;
	}

	#until(signal: AbortSignal | undefined): AbortSignal {
		return signal ? AbortSignal.any([this.#closed.signal, signal]) : this.#closed.signal;
	}
}

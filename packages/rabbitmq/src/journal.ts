// Group journals: one short stream for each group. Appending and reading have connections of their own, so that neither
// records nor each other hold them up.
import {
	type Clock,
	type JournalBounds,
	type JournalCursor,
	type JournalEntry,
	type JournalLog,
	JournalPlaceLost,
	PolylogError,
	type RecordProof,
	recordDigest,
} from "@polylog/core/driver";
import type { ConsumerPool, Subscription } from "./consumer-pool.ts";
import { type EntryLog, EntryReturned } from "./entry-log.ts";
import { entryBytes } from "./entry-mapping.ts";
import { isMissing } from "./errors.ts";
import { offsetOf } from "./message-mapping.ts";
import type { Settings } from "./options.ts";
import type { Probe } from "./probe.ts";
import { journalQueue, partitionQueue } from "./topology.ts";
import { Bell } from "./waiting.ts";

const PAGE = 1000;
const PREFETCH = 1000;

export interface JournalContext {
	readonly entries: EntryLog;
	/** On the connection that appends entries. */
	readonly proofs: Probe;
	readonly pool: ConsumerPool;
	readonly probe: Probe;
	readonly clock: Clock;
	readonly settings: Settings;
	/** Makes the journal again that somebody deleted under a member. */
	remake(group: string): Promise<void>;
}

export class StreamJournal implements JournalLog {
	readonly #context: JournalContext;
	readonly #group: string;
	readonly #queue: string;
	/** Whether it is made again when it is found missing. */
	readonly #keep: boolean;
	readonly #closed = new AbortController();
	readonly #bell = new Bell();
	#buffer: JournalEntry[] = [];
	#subscription: Subscription | undefined;
	/** The last entry given to the reader. */
	#place: bigint | undefined;
	/** The appending connection when the place was last proven. */
	#provenOn = -1;
	/** When something stored should have been delivered by. */
	#overdue = Number.POSITIVE_INFINITY;

	constructor(context: JournalContext, group: string, keep: boolean) {
		this.#context = context;
		this.#group = group;
		this.#queue = journalQueue(group);
		this.#keep = keep;
	}

	get connection(): number {
		return this.#context.entries.link.generation;
	}

	async append(bytes: Uint8Array, connection: number, signal?: AbortSignal): Promise<{ readonly durable: boolean }> {
		const { entries, clock, settings } = this.#context;
		try {
			await entries.append(this.#queue, bytes, { generation: connection, ...(signal ? { signal } : {}) });
		} catch (error) {
			if (error instanceof EntryReturned) await this.#returned(connection, error, signal);
			throw error;
		}
		if (this.#subscription) this.#overdue = Math.min(this.#overdue, clock.now() + settings.confirmTimeoutMs);
		return { durable: true };
	}

	async read(cursor: JournalCursor | undefined, waitMs: number, signal?: AbortSignal): Promise<readonly JournalEntry[]> {
		if (this.#closed.signal.aborted)
			throw new PolylogError("CLOSED", `the journal of the group "${this.#group}" was closed`, { group: this.#group });
		const { clock } = this.#context;
		const until = clock.now() + waitMs;
		// A consumer that goes on is proof enough, unless the caller wants to know at once, or appends elsewhere now.
		if (waitMs === 0 || this.#place !== cursor?.position || this.#provenOn !== this.connection) this.#unsubscribe();
		for (;;) {
			signal?.throwIfAborted();
			if (this.#closed.signal.aborted) return [];
			if (!this.#subscription && this.#buffer.length === 0) await this.#subscribe(cursor, signal);
			const entries = await this.#take(cursor, signal);
			const leftMs = until - clock.now();
			if (entries.length > 0 || leftMs <= 0) return entries;
			this.#suspect();
			await this.#bell.wait(clock, Math.min(leftMs, 1000), signal);
		}
	}

	async prove(proofs: readonly RecordProof[], connection: number, signal?: AbortSignal): Promise<boolean> {
		const options = { generation: connection, ...(signal ? { signal } : {}) };
		const stand = await Promise.all(proofs.map((proof) => this.#stands(proof, options)));
		return stand.every(Boolean);
	}

	async bounds(signal?: AbortSignal): Promise<JournalBounds> {
		const first = await this.#context.probe.earliest(this.#queue, signal);
		if (first === "missing") return { first: undefined, last: undefined, complete: true };
		// A replica may be behind: only an own entry that comes back shows where the end is.
		return { first, last: "unknown", complete: first === undefined || first === 0n };
	}

	/** The stream keeps itself short. */
	async truncateBefore(): Promise<void> {}

	async close(): Promise<void> {
		this.#closed.abort();
		this.#unsubscribe();
		this.#bell.ring();
	}

	async #returned(connection: number, error: Error, signal: AbortSignal | undefined): Promise<void> {
		const { entries, probe } = this.#context;
		if ((await probe.earliest(this.#queue, signal)) !== "missing") {
			const current = entries.link.connection;
			if (current?.generation === connection) entries.link.leave(current, error);
		} else if (this.#keep && !this.#closed.signal.aborted) await this.#context.remake(this.#group);
	}

	async #subscribe(cursor: JournalCursor | undefined, signal: AbortSignal | undefined): Promise<void> {
		const { pool } = this.#context;
		const received: JournalEntry[] = [];
		let live = false;
		let ended = false;
		const provenOn = this.connection;
		const onMessage: Parameters<ConsumerPool["consume"]>[0]["onMessage"] = (message) => {
			const entry = { position: offsetOf(message), bytes: entryBytes(message) };
			(live ? this.#buffer : received).push(entry);
			this.#overdue = Number.POSITIVE_INFINITY;
			this.#bell.ring();
		};
		const onEnd = () => {
			ended = true;
			if (live) this.#subscription = undefined;
			this.#bell.ring();
		};
		let subscription: Subscription;
		try {
			const from = cursor ? Number(cursor.position) : "first";
			subscription = await pool.consume({ queue: this.#queue, from, prefetch: PREFETCH, alone: true, onMessage, onEnd }, signal);
		} catch (error) {
			if (!isMissing(error)) throw error;
			if (cursor) throw new JournalPlaceLost();
			await this.#bell.wait(this.#context.clock, 50, signal);
			return;
		}
		const [first] = received;
		if (cursor && !(first?.position === cursor.position && Buffer.from(first.bytes).equals(cursor.bytes))) {
			subscription.end();
			throw new JournalPlaceLost();
		}
		if (cursor) subscription.release(1);
		this.#buffer = cursor ? received.slice(1) : received;
		this.#subscription = ended ? undefined : subscription;
		this.#place = cursor?.position;
		this.#provenOn = provenOn;
		this.#overdue = Number.POSITIVE_INFINITY;
		live = true;
		if (this.#closed.signal.aborted) this.#unsubscribe();
	}

	async #take(cursor: JournalCursor | undefined, signal: AbortSignal | undefined): Promise<JournalEntry[]> {
		let next = this.#place === undefined ? undefined : this.#place + 1n;
		for (let count = 0; count <= this.#buffer.length && count <= PAGE; count++) {
			const entry = this.#buffer[count];
			if (entry && count < PAGE && (next === undefined || entry.position === next)) {
				next = entry.position + 1n;
				continue;
			}
			// The end, a full page, or a gap: what is before it first.
			if (count === 0 && entry) {
				await this.#judgeGap(cursor, signal);
				next = entry.position + 1n;
				continue;
			}
			const taken = this.#buffer.splice(0, count);
			this.#subscription?.release(count);
			this.#place = taken.at(-1)?.position ?? this.#place;
			return taken;
		}
		return [];
	}

	/** Offsets skip where segments begin, and where retention overtook the reader: then the place is gone. */
	async #judgeGap(cursor: JournalCursor | undefined, signal: AbortSignal | undefined): Promise<void> {
		const earliest = await this.#context.probe.earliest(this.#queue, signal);
		if (cursor && typeof earliest === "bigint" && earliest <= cursor.position) return;
		this.#unsubscribe();
		throw new JournalPlaceLost();
	}

	/** Confirmed but not delivered: this connection's node is cut off, however alive it looks. */
	#suspect(): void {
		const { clock, pool } = this.#context;
		const connection = this.#subscription?.connection;
		if (!connection || clock.now() < this.#overdue) return;
		this.#overdue = Number.POSITIVE_INFINITY;
		pool.link.leave(connection, new PolylogError("TIMEOUT", `an entry of the group "${this.#group}" was stored and not delivered`));
	}

	#unsubscribe(): void {
		this.#subscription?.end();
		this.#subscription = undefined;
		this.#buffer = [];
	}

	async #stands(
		{ partition, offset, digest }: RecordProof,
		options: { readonly generation: number; readonly signal?: AbortSignal },
	): Promise<boolean> {
		const { proofs } = this.#context;
		const queue = partitionQueue(partition);
		const record = await proofs.recordAt(queue, offset, options);
		if (record?.offset === offset) return recordDigest(record) === digest;
		if (!record) return false;
		const earliest = await proofs.earliestOn(queue, options);
		return earliest !== undefined && earliest > offset;
	}
}

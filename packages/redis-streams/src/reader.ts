// Reads one partition in order over connections that all readers share, and proves its place with every read.
//
// A read begins with the last record returned (the anchor): if that comes back unchanged, what follows it in the same
// reply follows it in the log. If it does not, retention may have removed it, which is fine as long as nothing at or
// above the position went with it; in every other case the log was cut back or made again, and going on would skip.
import {
	type Clock,
	type Credit,
	type Offset,
	offsetOutOfRange,
	type Partition,
	PolylogError,
	partitionKey,
	type Random,
	type RawRecord,
	type Reader,
	recordDigest,
} from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { readRecords } from "./entry-reading.ts";
import type { Gate } from "./gate.ts";
import { recordBytes } from "./message-mapping.ts";
import { idAtOrAbove, idBefore } from "./offset-mapping.ts";
import { type Place, readPlace } from "./scripts/place.ts";
import type { Route, Waiting } from "./servers/servers.ts";
import type { PartitionKeys } from "./topology.ts";

/** How long a fetch waits for the first record before it comes back empty. */
const FETCH_WAIT_MS = 1000;
/** An idle reader proves its place this often: a log made again has lower ids, which wake nobody. */
const IDLE_PROOF_MS = 4000;
/** Asked for before the size of records is known. */
const FIRST_RECORDS = 100;

export interface ReaderContext {
	readonly reads: Route;
	readonly tail: Waiting;
	/** Bounds the replies that are under way. */
	readonly gate: Gate;
	readonly clock: Clock;
	readonly random: Random;
}

export class StreamReader implements Reader {
	readonly #context: ReaderContext;
	readonly #partition: Partition;
	readonly #keys: PartitionKeys;
	readonly #closed = new AbortController();
	/** The next offset to return. */
	#position: Offset;
	/** The last record read, while it is known to be followed by `#position`. */
	#anchor: { readonly offset: Offset; readonly digest: string } | undefined;
	/** The incarnation of the topic; undefined until the first read. */
	#log: string | undefined;
	/** Read but not returned: what passed the credit in bytes. */
	#rest: readonly RawRecord[] = [];
	#averageBytes: number | undefined;
	/** A position at which nothing was found to be missing: asked once. */
	#emptyBelow: Offset | undefined;
	/** At the end, as of the last read; then only the tail is asked, until this time. */
	#idleUntil: number | undefined;

	constructor(context: ReaderContext, partition: Partition, keys: PartitionKeys, from: Offset) {
		this.#context = context;
		this.#partition = partition;
		this.#keys = keys;
		this.#position = from;
	}

	get position(): Offset {
		return this.#position;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		signal?.throwIfAborted();
		if (this.#closed.signal.aborted) throw new PolylogError("CLOSED", `the reader of ${partitionKey(this.#partition)} was closed`);
		if (this.#rest.length > 0) return this.#take(this.#rest, credit);
		const idle = this.#idleUntil !== undefined && this.#context.clock.now() < this.#idleUntil;
		const records = idle ? [] : await this.#read(credit, signal);
		if (records.length > 0 || this.#closed.signal.aborted) return this.#take(records, credit);
		if (await this.#waitForNews(signal)) return this.#take(await this.#read(credit, signal), credit);
		if (!this.#closed.signal.aborted) await this.#passHole(signal);
		return [];
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	async #waitForNews(signal: AbortSignal | undefined): Promise<boolean> {
		const afterId = this.#anchor ? idAtOrAbove(this.#anchor.offset) : idBefore(this.#position);
		const closed = this.#closed.signal;
		const news = await this.#context.tail.wait(
			this.#keys.stream,
			afterId,
			FETCH_WAIT_MS,
			signal ? AbortSignal.any([signal, closed]) : closed,
		);
		signal?.throwIfAborted();
		return news && !closed.aborted;
	}

	/** Above the last entry there may be deleted ones. The end comes first: what was appended later lies above it. */
	async #passHole(signal: AbortSignal | undefined): Promise<void> {
		if (this.#emptyBelow === this.#position) return;
		const { stream } = this.#keys;
		const from = idAtOrAbove(this.#position);
		const ask = (client: Redis) => Promise.all([readPlace(client, this.#keys), readRecords(client, stream, from, 1)]);
		const [{ end, log }, records] = await this.#context.reads.run(stream, ask, { signal });
		if (records.length > 0 || log !== this.#log || end < this.#position) return;
		this.#position = end;
		this.#emptyBelow = end;
	}

	/** Returns what the credit allows and keeps the rest, whose place is proven. */
	#take(records: readonly RawRecord[], credit: Credit): readonly RawRecord[] {
		let count = 0;
		let bytes = 0;
		while (count < records.length && count < credit.records && bytes < credit.bytes) {
			const record = records[count];
			if (record) bytes += recordBytes(record);
			count += 1;
		}
		if (this.#closed.signal.aborted) return [];
		this.#rest = records.slice(count);
		const taken = count === records.length ? records : records.slice(0, count);
		const last = taken.at(-1);
		if (last) {
			this.#position = last.offset + 1n;
			this.#averageBytes = bytes / count + 1;
		}
		return taken;
	}

	async #read(credit: Credit, signal: AbortSignal | undefined): Promise<readonly RawRecord[]> {
		const count = this.#count(credit);
		const { read, log, place } = await this.#context.gate.run(() =>
			this.#context.reads.run(this.#keys.stream, (client) => this.#ask(client, count), { signal }),
		);
		const records = await this.#prove(read, log, place, signal);
		const last = records.at(-1);
		if (last) this.#anchor = { offset: last.offset, digest: recordDigest(last) };
		this.#idleUntil =
			records.length > 0 ? undefined : this.#context.clock.now() + IDLE_PROOF_MS * (1 + this.#context.random.fraction() / 2);
		return records;
	}

	/** The soft credit in bytes as a number of records, by the size of the last ones. */
	#count(credit: Credit): number {
		const fitting = this.#averageBytes === undefined ? FIRST_RECORDS : Math.ceil(credit.bytes / this.#averageBytes);
		return Math.max(1, Math.min(credit.records, fitting));
	}

	/**
	 * Records first, then what they are judged by: on one connection the second is at least as new. So nothing that
	 * it calls retained can have been missing from the first, and an incarnation never comes back.
	 */
	async #ask(client: Redis, count: number): Promise<{ read: RawRecord[]; log?: string; place?: Place }> {
		const { stream, meta } = this.#keys;
		if (!this.#anchor) {
			const [read, place] = await Promise.all([
				readRecords(client, stream, idAtOrAbove(this.#position), count),
				readPlace(client, this.#keys),
			]);
			return { read, place };
		}
		const from = idAtOrAbove(this.#anchor.offset);
		const [read, log] = await Promise.all([readRecords(client, stream, from, count + 1), client.hget(meta, "log")]);
		return { read, log: log ?? "" };
	}

	async #prove(
		records: RawRecord[],
		log: string | undefined,
		place: Place | undefined,
		signal: AbortSignal | undefined,
	): Promise<RawRecord[]> {
		const [first] = records;
		const found = this.#anchor !== undefined && first?.offset === this.#anchor.offset;
		if (found && log === this.#log && first && recordDigest(first) === this.#anchor?.digest) return records.slice(1);
		// The decision needs more than was asked for.
		const now = place ?? (await this.#context.reads.run(this.#keys.stream, (client) => readPlace(client, this.#keys), { signal }));
		this.#decide(now, found);
		this.#anchor = undefined;
		return records;
	}

	/** Throws unless the position is still in the log, and that log is the one it was in before. */
	#decide(place: Place, anchorChanged: boolean): void {
		const { topic, index } = this.#partition;
		if (!place.exists) {
			// An adopted stream may not have been written yet.
			if (this.#keys.adopted && this.#log === undefined && this.#position === 0n) return;
			throw new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(this.#partition)} does not exist`, { topic, partition: index });
		}
		const range = { requested: this.#position, earliest: place.earliest, end: place.end };
		if (this.#log !== undefined && this.#log !== place.log)
			throw offsetOutOfRange(this.#partition, range, "the topic was deleted and made again");
		if (anchorChanged)
			throw offsetOutOfRange(this.#partition, range, "the record before it is another one by now: the log was made again or lost its tail");
		if (this.#position > place.end) throw offsetOutOfRange(this.#partition, range, "it lies beyond the end");
		if (this.#position < place.earliest && !place.complete) throw offsetOutOfRange(this.#partition, range, "retention removed it");
		if (this.#anchor && place.complete)
			throw offsetOutOfRange(this.#partition, range, "the record before it is gone, though nothing was removed: the log was made again");
		this.#log = place.log;
	}
}

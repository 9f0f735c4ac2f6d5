// Reads one partition in order. A consumer of the stream fills a buffer; when it ends (connection, pause, window), the next
// one begins at the last record received, which must come back unchanged: the proof that the place is still the same.
//
// Offsets have gaps where segments begin. A gap and a jump over what retention removed look alike: the first retained
// offset tells them apart.
import {
	type Clock,
	type Credit,
	type Offset,
	offsetOutOfRange,
	type Partition,
	partitionKey,
	PolylogError,
	type RawRecord,
	type Reader,
	recordDigest,
} from "@polylog/core/driver";
import type { CatalogueItem } from "./catalogue-state.ts";
import type { ConsumerPool, Subscription } from "./consumer-pool.ts";
import { isMissing } from "./errors.ts";
import { recordBytes, toRecord } from "./message-mapping.ts";
import type { Probe } from "./probe.ts";
import { partitionQueue } from "./topology.ts";
import { Bell } from "./waiting.ts";

/** How long a fetch waits for the first record before it comes back empty. */
const FETCH_WAIT_MS = 1000;
/** The window before the size of records is known. */
const FIRST_WINDOW = 50;
const LARGEST_WINDOW = 5000;

export interface ReaderContext {
	readonly pool: ConsumerPool;
	readonly probe: Probe;
	readonly clock: Clock;
	/** What the catalogue said last. */
	known(topic: string): CatalogueItem | undefined;
	/** Readers that may have to be paused. */
	readonly readers: Set<StreamReader>;
}

export class StreamReader implements Reader {
	readonly #context: ReaderContext;
	readonly #partition: Partition;
	readonly #queue: string;
	readonly #bell = new Bell();
	/** The next offset to return. */
	#position: Offset;
	/** The last record received, once there is one. */
	#anchor: { readonly offset: Offset; readonly digest: string } | undefined;
	#lastReceived: RawRecord | undefined;
	#incarnation: string | undefined;
	#buffer: RawRecord[] = [];
	#head = 0;
	#subscription: Subscription | undefined;
	#window = 0;
	/** By the present consumer. */
	#received = 0;
	/** The largest asked for so far. */
	#records = 0;
	#bytes = 0;
	#averageBytes: number | undefined;
	/** A record behind a gap that was found legitimate. */
	#gapSeen: Offset | undefined;
	/** Set when the stream was deleted under a consumer: the next attempt may close its channel. */
	#careful = false;
	#fetching = false;
	#usedAt: number;
	#closed = false;

	constructor(context: ReaderContext, partition: Partition, from: Offset) {
		this.#context = context;
		this.#partition = partition;
		this.#queue = partitionQueue(partition);
		this.#position = from;
		this.#usedAt = context.clock.now();
	}

	/** Streams lose whole segments from their beginning, so nothing can be missing above the last record. */
	get position(): Offset {
		return this.#position;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		signal?.throwIfAborted();
		this.#context.pool.link.require();
		if (this.#closed) throw new PolylogError("CLOSED", `the reader of ${partitionKey(this.#partition)} was closed`);
		this.#fetching = true;
		this.#records = Math.max(this.#records, credit.records);
		this.#bytes = Math.max(this.#bytes, credit.bytes);
		try {
			const until = this.#context.clock.now() + FETCH_WAIT_MS;
			for (;;) {
				const records = await this.#take(credit, signal);
				if (records.length > 0) return records;
				await this.#subscribe(signal);
				const leftMs = until - this.#context.clock.now();
				if (this.#closed || (leftMs <= 0 && this.#waiting === 0)) return [];
				if (this.#waiting === 0) await this.#bell.wait(this.#context.clock, leftMs, signal);
				signal?.throwIfAborted();
			}
		} finally {
			this.#fetching = false;
			this.#usedAt = this.#context.clock.now();
		}
	}

	async close(): Promise<void> {
		this.#closed = true;
		this.#unsubscribe();
		this.#buffer = [];
		this.#head = 0;
		this.#context.readers.delete(this);
		this.#bell.ring();
	}

	/** Ends the consumer of a reader that nobody asked since `time`. */
	pauseIfIdleSince(time: number): void {
		if (!this.#fetching && this.#usedAt < time) this.#unsubscribe();
	}

	get #waiting(): number {
		return this.#buffer.length - this.#head;
	}

	/** What the credit allows of the buffer, up to a gap that has to be looked into first. */
	async #take(credit: Credit, signal: AbortSignal | undefined): Promise<readonly RawRecord[]> {
		if (this.#waiting === 0) return [];
		const first = this.#buffer[this.#head];
		if (first && first.offset !== this.#position && first.offset !== this.#gapSeen) {
			await this.#judgeGap(signal);
			this.#gapSeen = first.offset;
		}
		const start = this.#head;
		let bytes = 0;
		for (
			let next = this.#position;
			this.#head < this.#buffer.length && this.#head - start < credit.records && bytes < credit.bytes;
			this.#head++
		) {
			const record = this.#buffer[this.#head];
			if (!record || (record.offset !== next && record.offset !== this.#gapSeen)) break;
			bytes += recordBytes(record);
			next = record.offset + 1n;
			this.#position = next;
		}
		const count = this.#head - start;
		if (count > 0) this.#averageBytes = bytes / count + 1;
		const taken = this.#buffer.slice(start, this.#head);
		if (this.#head === this.#buffer.length) {
			this.#buffer = [];
			this.#head = 0;
		}
		this.#subscription?.release(count);
		return taken;
	}

	/** Throws unless everything from the position on is still retained, so that the gap is only one of numbers. */
	async #judgeGap(signal: AbortSignal | undefined): Promise<void> {
		const earliest = await this.#context.probe.earliest(this.#queue, signal);
		if (typeof earliest === "bigint" && earliest <= this.#position) return;
		throw await this.#outOfRange("retention removed it", signal);
	}

	async #subscribe(signal: AbortSignal | undefined): Promise<void> {
		if (this.#subscription && this.#unfitting()) this.#unsubscribe();
		if (this.#subscription || this.#waiting > 0 || this.#closed) return;
		await this.#checkIncarnation(signal);
		const anchor = this.#anchorNow();
		const from = anchor?.offset ?? this.#position;
		if (from > BigInt(Number.MAX_SAFE_INTEGER)) throw await this.#outOfRange("it lies beyond the end", signal);
		this.#context.readers.add(this);
		this.#window = this.#wanted();
		this.#received = 0;
		const received: RawRecord[] = [];
		let live = false;
		let ended: unknown;
		const request = {
			queue: this.#queue,
			from: Number(from),
			prefetch: this.#window,
			alone: this.#careful,
			onMessage: (message: Parameters<typeof toRecord>[0]) => {
				const record = toRecord(message);
				if (live) this.#receive(record);
				else received.push(record);
			},
			onEnd: (reason: unknown) => {
				ended = reason ?? true;
				if (live) this.#onEnd(reason);
			},
		};
		let subscription: Subscription;
		try {
			subscription = await this.#context.pool.consume(request, signal);
		} catch (error) {
			this.#careful = true;
			throw isMissing(error) ? this.#notFound() : error;
		}
		this.#careful = false;
		try {
			await this.#judgeStart(anchor, received, signal);
		} catch (error) {
			subscription.end();
			throw error;
		}
		this.#accept(subscription, received, anchor);
		live = true;
		if (this.#closed) this.#unsubscribe();
		else if (ended !== undefined) this.#onEnd(ended);
	}

	/** Takes over what came while the start was judged. */
	#accept(subscription: Subscription, received: readonly RawRecord[], anchor: { readonly offset: Offset } | undefined): void {
		this.#subscription = subscription.over ? undefined : subscription;
		const from = anchor ? anchor.offset + 1n : this.#position;
		this.#received = received.length;
		let stale = 0;
		for (const record of received) {
			if (record.offset < from) stale++;
			else this.#buffer.push(record);
		}
		subscription.release(stale);
		this.#lastReceived = this.#buffer.at(-1) ?? this.#lastReceived;
	}

	/** Throws unless the position is in this log, and the log is the one that was read before. */
	async #judgeStart(
		anchor: { readonly offset: Offset; readonly digest: string } | undefined,
		received: readonly RawRecord[],
		signal: AbortSignal | undefined,
	): Promise<void> {
		this.#incarnation = this.#context.known(this.#partition.topic)?.id ?? this.#incarnation;
		const first = received.find((record) => record.offset >= (anchor?.offset ?? this.#position));
		if (!anchor) {
			// Where something is, gaps are judged when it is taken.
			if (first) return;
			if (this.#position === 0n) return;
			if (this.#position > (await this.#context.probe.end(this.#queue, signal)))
				throw await this.#outOfRange("it lies beyond the end", signal);
			return;
		}
		if (!first) throw await this.#outOfRange("the log ends before it: it was made again or lost its tail", signal);
		if (first.offset === anchor.offset) {
			if (recordDigest(first) === anchor.digest) return;
			throw await this.#outOfRange("the record before it is another one by now: the log was made again or lost its tail", signal);
		}
		const earliest = await this.#context.probe.earliest(this.#queue, signal);
		if (typeof earliest !== "bigint" || earliest <= anchor.offset)
			throw await this.#outOfRange("the record before it is gone, though retention did not remove it: the log was made again", signal);
		if (earliest > this.#position) throw await this.#outOfRange("retention removed it", signal);
	}

	async #checkIncarnation(signal: AbortSignal | undefined): Promise<void> {
		const now = this.#context.known(this.#partition.topic);
		if (now && now.phase !== "ready") throw this.#notFound();
		if (this.#incarnation === undefined || now === undefined || now.id === this.#incarnation) return;
		throw await this.#outOfRange("the topic was deleted and made again", signal);
	}

	async #outOfRange(why: string, signal: AbortSignal | undefined): Promise<PolylogError> {
		const range = await this.#context.probe.range(this.#queue, signal);
		if (!range) return this.#notFound();
		return offsetOutOfRange(this.#partition, { requested: this.#position, ...range }, why);
	}

	#notFound(): PolylogError {
		const { topic, index } = this.#partition;
		return new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(this.#partition)} does not exist`, { topic, partition: index });
	}

	#receive(record: RawRecord): void {
		this.#received++;
		this.#buffer.push(record);
		this.#lastReceived = record;
		if (this.#fetching) this.#bell.ring();
	}

	#onEnd(reason: unknown): void {
		this.#subscription = undefined;
		this.#careful = isMissing(reason);
		this.#bell.ring();
	}

	#unsubscribe(): void {
		this.#subscription?.end();
		this.#subscription = undefined;
	}

	/** Digests cost, so only the one that is needed is made. */
	#anchorNow(): { readonly offset: Offset; readonly digest: string } | undefined {
		if (this.#lastReceived) {
			this.#anchor = { offset: this.#lastReceived.offset, digest: recordDigest(this.#lastReceived) };
			this.#lastReceived = undefined;
		}
		return this.#anchor;
	}

	#wanted(): number {
		if (this.#averageBytes === undefined) return Math.min(this.#records, FIRST_WINDOW);
		return Math.max(1, Math.min(this.#records, LARGEST_WINDOW, Math.ceil(this.#bytes / this.#averageBytes)));
	}

	/** A window that is full and far from what is wanted now: worth another consumer. */
	#unfitting(): boolean {
		if (this.#waiting > 0 || this.#averageBytes === undefined) return false;
		const wanted = this.#wanted();
		return (wanted >= 2 * this.#window && this.#received >= this.#window) || wanted * 4 <= this.#window;
	}
}

// Reads one partition in order, and never skips in silence: it reads the topic it began with (by id), and tells the broker
// the epoch of the last record it read, so that a log made again or cut back is an error and not other records.
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
} from "@polylog/core/driver";
import type { Layout, Place } from "../layout.ts";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import type { FetchedPartition } from "../wire/api/fetch.ts";
import { BatchReader } from "./batch-reader.ts";
import type { LogEnds } from "./ends.ts";
import type { Fetcher } from "./fetcher.ts";

/** How long a fetch waits for the first record before it comes back empty. */
const FETCH_WAIT_MS = 1000;
/** Less would cut most batches short. */
const LEAST_FETCH_BYTES = 64 * 1024;

export interface ReaderContext {
	readonly fetcher: Fetcher;
	readonly layout: Layout;
	readonly ends: LogEnds;
	readonly clock: Clock;
	readonly fetchBytes: number;
	/** Aborts when the driver ends. */
	readonly ended: AbortSignal;
}

export class PartitionReader implements Reader {
	readonly #context: ReaderContext;
	readonly #partition: Partition;
	readonly #closed = new AbortController();
	#position: Offset;
	/** The topic it reads; undefined until the first fetch. */
	#topicId: string | undefined;
	#lastEpoch = -1;
	/** Fetched and not yet returned: bytes of the log, opened as they are asked for. */
	#batches: BatchReader | undefined;

	constructor(context: ReaderContext, partition: Partition, from: Offset) {
		this.#context = context;
		this.#partition = partition;
		this.#position = from;
	}

	get position(): Offset {
		return this.#position;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		const { clock, ended } = this.#context;
		const until = clock.now() + FETCH_WAIT_MS;
		for (;;) {
			ended.throwIfAborted();
			this.#closed.signal.throwIfAborted();
			signal?.throwIfAborted();
			const records = this.#takeFetched(credit);
			if (records.length > 0 || clock.now() >= until) return records;
			const place = await this.#place(signal);
			const found = await this.#wait(place, credit, until, signal);
			if (!found) return [];
			await this.#accept(found, place);
		}
	}

	async close(): Promise<void> {
		this.#closed.abort(new PolylogError("CLOSED", `the reader of ${partitionKey(this.#partition)} was closed`));
		this.#batches = undefined;
	}

	#takeFetched({ records, bytes }: Credit): RawRecord[] {
		const batches = this.#batches;
		if (!batches) return [];
		const taken = batches.take(records, bytes);
		this.#position = batches.position;
		this.#lastEpoch = batches.epoch;
		if (batches.done) this.#batches = undefined;
		return taken;
	}

	async #place(signal: AbortSignal | undefined): Promise<Place> {
		const place = await this.#context.layout.place(this.#partition, signal);
		this.#topicId ??= place.topicId;
		if (place.topicId !== this.#topicId) throw await this.#outOfRange("the topic was deleted and made again");
		return place;
	}

	#wait(place: Place, credit: Credit, until: number, signal: AbortSignal | undefined): Promise<FetchedPartition | undefined> {
		const { fetcher, fetchBytes, ended, layout } = this.#context;
		const signals = [ended, this.#closed.signal, ...(signal ? [signal] : [])];
		return new Promise((resolve, reject) => {
			let cancelled = false;
			const settled = new AbortController();
			const stop = () => {
				cancelled = true;
				settled.abort();
				for (const each of signals) each.removeEventListener("abort", onAbort);
			};
			const onAbort = () => {
				stop();
				reject(signals.find((each) => each.aborted)?.reason);
			};
			for (const each of signals) each.addEventListener("abort", onAbort, { once: true });
			// A leader that is frozen does not answer at all.
			layout.movedOn(this.#partition, place, settled.signal).then(
				() => {
					stop();
					resolve(undefined);
				},
				() => {},
			);
			fetcher.add({
				node: place.leader,
				topicId: place.topicId,
				index: this.#partition.index,
				leaderEpoch: place.leaderEpoch,
				offset: this.#position,
				lastEpoch: this.#lastEpoch,
				maxBytes: Math.min(fetchBytes, Math.max(credit.bytes, LEAST_FETCH_BYTES)),
				until,
				get cancelled() {
					return cancelled;
				},
				settle(found) {
					stop();
					resolve(found);
				},
				fail: (error) => {
					stop();
					// Its leader may be another by now.
					layout.forget(this.#partition.topic, place.leader);
					reject(error);
				},
			});
		});
	}

	async #accept({ errorCode, divergesAt, aborted, records }: FetchedPartition, { topicId }: Place): Promise<void> {
		if (divergesAt !== undefined) throw await this.#outOfRange(`the log was cut back to ${divergesAt} since it was read`);
		if (errorCode === ERROR.none) {
			if (records && records.length > 0) this.#batches = new BatchReader(records, aborted, this.#position, this.#lastEpoch);
			return;
		}
		const { topic } = this.#partition;
		this.#context.layout.forget(topic);
		if (errorCode === ERROR.offsetOutOfRange) throw await this.#outOfRange("retention removed it, or it lies beyond the end");
		if (errorCode === ERROR.unknownTopicId || errorCode === ERROR.inconsistentTopicId || errorCode === ERROR.unknownTopicOrPartition) {
			const now = await this.#context.layout.ask(topic);
			if (!now)
				throw new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(this.#partition)} was deleted`, {
					topic,
					partition: this.#partition.index,
				});
			if (now.id !== topicId) throw await this.#outOfRange("the topic was deleted and made again");
		}
		throw new KafkaError(errorCode, "the partition's leader answers");
	}

	async #outOfRange(why: string): Promise<PolylogError> {
		const [ends] = await this.#context.ends.of([this.#partition]);
		return offsetOutOfRange(this.#partition, { requested: this.#position, earliest: ends?.earliest ?? 0n, end: ends?.end ?? 0n }, why);
	}
}

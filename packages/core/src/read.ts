// `broker.read`: a topic without a group. Nothing is owned and nothing is committed.
import { abortedError, untilAborted } from "./aborted.ts";
import type { ReadOptions } from "./api/broker.ts";
import type { Message } from "./api/message.ts";
import type { Topic } from "./api/topic.ts";
import type { Backend } from "./backend.ts";
import { partitionContext } from "./partition-context.ts";
import { Bell } from "./bell.ts";
import type { Reader } from "./driver/driver.ts";
import type { RawRecord } from "./driver/record.ts";
import { decodeMessage } from "./message.ts";
import type { Offset } from "./offset.ts";
import { type Partition, partitionKey } from "./partition.ts";
import { persevere } from "./patience.ts";

const PAGE = { records: 500, bytes: 4 * 1024 * 1024 };

type Pages<T> = AsyncGenerator<Message<T>[], void, undefined>;

/** A page of one partition, its end, or its failure. */
interface Arrival<T> {
	readonly page: Pages<T>;
	readonly result?: IteratorResult<Message<T>[], void>;
	readonly error?: unknown;
}

/** Messages in order within each partition; ends at `to`, by abort (rejects), or when the consumer leaves. */
export async function* readTopic<T>(
	backend: Backend,
	topic: Topic<T>,
	options: ReadOptions,
	closed: AbortSignal,
): AsyncGenerator<Message<T>, void, undefined> {
	const ended = new AbortController();
	const signal = AbortSignal.any([ended.signal, closed, ...(options.signal ? [options.signal] : [])]);
	let pages: Pages<T>[] = [];
	const arrived: Arrival<T>[] = [];
	const bell = new Bell();
	const ask = (page: Pages<T>) =>
		void page
			.next()
			.then(
				(result) => arrived.push({ page, result }),
				(error: unknown) => arrived.push({ page, error }),
			)
			.then(() => bell.ring());
	try {
		// Nothing is open before all of them have their place, so an abort leaves nothing behind.
		pages = await untilAborted(placed(backend, topic, options, signal), signal);
		for (const page of pages) ask(page);
		let open = pages.length;
		while (open > 0) {
			const next = arrived.shift();
			if (!next) await bell.wait();
			else if (!next.result) throw next.error;
			else if (next.result.done) open--;
			else {
				yield* next.result.value;
				ask(next.page);
			}
		}
	} catch (error) {
		closed.throwIfAborted();
		if (options.signal?.aborted) throw abortedError(options.signal, `reading topic ${topic.name}`);
		throw error;
	} finally {
		ended.abort(new Error("the reading ended"));
		// Each closes its reader on its way out, also one whose page nobody has asked beyond.
		await Promise.allSettled(pages.map((page) => page.return()));
	}
}

async function placed<T>(backend: Backend, topic: Topic<T>, options: ReadOptions, signal: AbortSignal): Promise<Pages<T>[]> {
	const partitions = await chosenPartitions(backend, topic, options.partition);
	return await Promise.all(partitions.map((partition) => openPages(backend, topic, partition, options, signal)));
}

async function chosenPartitions(backend: Backend, topic: Topic<unknown>, index: number | undefined): Promise<Partition[]> {
	if (index !== undefined) return [await backend.describePartition({ topic: topic.name, index })];
	const described = await backend.describeExisting(topic.name);
	return described.partitions.map((partition) => ({ topic: topic.name, index: partition.index }));
}

async function openPages<T>(
	backend: Backend,
	topic: Topic<T>,
	partition: Partition,
	options: ReadOptions,
	signal: AbortSignal,
): Promise<Pages<T>> {
	const from = await backend.resolve(partition, options.from ?? "earliest");
	const to = options.to === undefined ? undefined : await backend.resolve(partition, options.to);
	const at = { topic: partition.topic, index: partition.index };
	return pagesOf(backend, topic, at, from, to, signal);
}

async function* pagesOf<T>(
	backend: Backend,
	topic: Topic<T>,
	partition: Partition,
	from: Offset,
	to: Offset | undefined,
	signal: AbortSignal,
): Pages<T> {
	if (to !== undefined && from >= to) return;
	const reader: Reader = backend.driver.openReader(partition, from);
	const doing = `reading ${partitionKey(partition)}`;
	try {
		for (;;) {
			const records = await persevere(() => backend.attempt(doing, () => reader.fetch(PAGE, signal), partitionContext(partition)), {
				clock: backend.clock,
				random: backend.random,
				signal,
			});
			const wanted = to === undefined ? records : records.filter((record) => record.offset < to);
			yield* decoded(topic, partition, wanted);
			// Not an empty page: a slow broker gives the same.
			if (to !== undefined && reader.position >= to) return;
		}
	} finally {
		await reader.close().catch(() => {});
	}
}

/** One page; if a record cannot be decoded, the messages before it come first. */
async function* decoded<T>(topic: Topic<T>, partition: Partition, records: readonly RawRecord[]): Pages<T> {
	const messages: Message<T>[] = [];
	try {
		for (const record of records) {
			const message = decodeMessage(topic, record, { partition, fence: 0n, attempt: 1 });
			messages.push(message instanceof Promise ? await message : message);
		}
	} catch (error) {
		if (messages.length > 0) yield messages;
		throw error;
	}
	if (messages.length > 0) yield messages;
}

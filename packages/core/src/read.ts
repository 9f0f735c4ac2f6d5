// `broker.read`: a topic without a group. Nothing is owned and nothing is committed.
import { abortedError } from "./aborted.ts";
import type { ReadOptions } from "./api/broker.ts";
import type { Message } from "./api/message.ts";
import type { Topic } from "./api/topic.ts";
import { type Backend, partitionContext } from "./backend.ts";
import type { Reader } from "./driver/driver.ts";
import type { RawRecord } from "./driver/record.ts";
import { decodeMessage } from "./message.ts";
import type { Offset } from "./offset.ts";
import { type Partition, partitionKey } from "./partition.ts";
import { persevere } from "./patience.ts";
import { PolylogError } from "./errors.ts";

const PAGE = { records: 500, bytes: 4 * 1024 * 1024 };

/** Messages in order within each partition; ends at `to`, by abort (rejects), or when the consumer leaves. */
export async function* readTopic<T>(
	backend: Backend,
	topic: Topic<T>,
	options: ReadOptions,
	closed: AbortSignal,
): AsyncGenerator<Message<T>, void, undefined> {
	const ended = new AbortController();
	const signal = AbortSignal.any([ended.signal, closed, ...(options.signal ? [options.signal] : [])]);
	const partitions = await chosenPartitions(backend, topic, options.partition);
	const pages = await Promise.all(partitions.map((partition) => openPages(backend, topic, partition, options, signal)));
	const pending = new Map(pages.map((page) => [page, page.next().then((result) => ({ page, result }))]));
	try {
		while (pending.size > 0) {
			const { page, result } = await Promise.race(pending.values());
			if (result.done) {
				pending.delete(page);
				continue;
			}
			yield* result.value;
			pending.set(
				page,
				page.next().then((next) => ({ page, result: next })),
			);
		}
	} catch (error) {
		closed.throwIfAborted();
		if (options.signal?.aborted) throw abortedError(options.signal, `reading topic ${topic.name}`);
		throw error;
	} finally {
		ended.abort(new Error("the reading ended"));
		await Promise.allSettled(pending.values());
	}
}

async function chosenPartitions(backend: Backend, topic: Topic<unknown>, index: number | undefined): Promise<Partition[]> {
	if (index !== undefined) return [await backend.describePartition({ topic: topic.name, index })];
	const described = await backend.describeTopic(topic.name);
	if (!described) throw new PolylogError("TOPIC_NOT_FOUND", `topic ${topic.name} does not exist`, { topic: topic.name });
	return described.partitions.map((partition) => ({ topic: topic.name, index: partition.index }));
}

async function openPages<T>(
	backend: Backend,
	topic: Topic<T>,
	partition: Partition,
	options: ReadOptions,
	signal: AbortSignal,
): Promise<AsyncGenerator<Message<T>[], void, undefined>> {
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
): AsyncGenerator<Message<T>[], void, undefined> {
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
			if (to !== undefined && (await reachedEnd(backend, partition, records.at(-1)?.offset, to))) return;
		}
	} finally {
		await reader.close().catch(() => {});
	}
}

/** One page; if a record cannot be decoded, the messages before it come first. */
async function* decoded<T>(
	topic: Topic<T>,
	partition: Partition,
	records: readonly RawRecord[],
): AsyncGenerator<Message<T>[], void, undefined> {
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

/** The last records before `to` may have been removed, so an empty page is compared with what is left. */
async function reachedEnd(backend: Backend, partition: Partition, last: Offset | undefined, to: Offset): Promise<boolean> {
	if (last !== undefined) return last + 1n >= to;
	const { end } = await backend.describePartition(partition);
	return end >= to;
}

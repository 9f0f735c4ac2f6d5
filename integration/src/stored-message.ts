// Messages as they are stored, in a form that tests can compare and a person can read.
import { isUtf8 } from "node:buffer";
import type { Broker, Codec, Message, Topic } from "@polylog/core";
import { topic } from "@polylog/core";

/** Values as they are, tombstones included. */
const STORED: Codec<Uint8Array | null> = { name: "stored", encode: (value) => value, decode: (value) => value };

/** Bytes are text where they are UTF-8, else "0x…". */
export interface ReadableMessage {
	readonly partition: number;
	readonly key: string | null;
	readonly value: string | null;
	readonly headers: readonly (readonly [name: string, value: string])[];
}

export function storedTopic(name: string, partitions: number): Topic<Uint8Array | null> {
	return topic(name, { partitions, codec: STORED });
}

export function readableBytes(bytes: Uint8Array | string): string {
	if (typeof bytes === "string") return bytes;
	return isUtf8(bytes) ? Buffer.from(bytes).toString() : `0x${Buffer.from(bytes).toString("hex")}`;
}

export function readableMessage({ partition, raw }: Message<unknown>): ReadableMessage {
	return {
		partition: partition.index,
		key: raw.key === undefined ? null : readableBytes(raw.key),
		value: raw.value === null ? null : readableBytes(raw.value),
		headers: raw.headers.map(([name, value]) => [name, readableBytes(value)]),
	};
}

/** What a group of one member is handed until it has `count` messages; by partition, each in its order. Drained then, or it rejects. */
export async function readByGroup(
	broker: Broker,
	{ name, topics, count }: { readonly name: string; readonly topics: readonly Topic<Uint8Array | null>[]; readonly count: number },
): Promise<ReadableMessage[]> {
	const group = broker.consumerGroup(name, { topics, from: "earliest" });
	const messages: ReadableMessage[] = [];
	const done = new AbortController();
	await group.run(
		(message) => {
			messages.push(readableMessage(message));
			if (messages.length === count) done.abort();
		},
		{ signal: done.signal },
	);
	const { total } = await group.lag();
	if (total !== 0n) throw new Error(`group ${name} left with ${messages.length} messages and a lag of ${total}`);
	return messages.toSorted((a, b) => a.partition - b.partition);
}

// Makes messages of records. What a handler may never look at (key, headers, time) is computed when it does.
import { inspect } from "node:util";
import type { Message, MessageHeaders } from "./api/message.ts";
import type { Topic } from "./api/topic.ts";
import { isPromise } from "./codec/schema.ts";
import { decodeValue } from "./codec/value.ts";
import type { RawRecord } from "./driver/record.ts";
import { readHeaders } from "./headers.ts";
import type { Offset } from "./offset.ts";
import { type Partition, partitionKey } from "./partition.ts";

/** Where and how a record is delivered. */
export interface Delivery {
	readonly partition: Partition;
	readonly fence: bigint;
	/** From 1. */
	readonly attempt: number;
}

/** The decoded message; a promise only if the topic's schema is asynchronous. Throws, or rejects with, CODEC_FAILED. */
export function decodeMessage<T>(topic: Topic<T>, record: RawRecord, delivery: Delivery): Message<T> | Promise<Message<T>> {
	const value = decodeValue(topic, record, delivery.partition);
	return isPromise(value) ? value.then((decoded) => messageOf(record, decoded, delivery)) : messageOf(record, value, delivery);
}

export function messageOf<T>(record: RawRecord, value: T, delivery: Delivery): Message<T> {
	return new ReadMessage(record, value, delivery.partition, delivery.fence, delivery.attempt);
}

/** The same message at another try. The value is not decoded again: what a handler did to it stays. */
export function atAttempt<T>(message: Message<T>, attempt: number): Message<T> {
	return new ReadMessage(message.raw, message.value, message.partition, message.fence, attempt);
}

class ReadMessage<T> implements Message<T> {
	readonly partition: Partition;
	readonly value: T;
	readonly attempt: number;
	readonly fence: bigint;
	readonly raw: RawRecord;
	#key: string | undefined;
	#headers: MessageHeaders | undefined;
	#timestamp: Date | undefined;

	constructor(raw: RawRecord, value: T, partition: Partition, fence: bigint, attempt: number) {
		this.raw = raw;
		this.value = value;
		this.partition = partition;
		this.fence = fence;
		this.attempt = attempt;
	}

	get offset(): Offset {
		return this.raw.offset;
	}

	get key(): string | undefined {
		const bytes = this.raw.key;
		if (bytes === undefined) return undefined;
		return (this.#key ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
	}

	get headers(): MessageHeaders {
		return (this.#headers ??= readHeaders(this.raw.headers));
	}

	get timestamp(): Date {
		return (this.#timestamp ??= new Date(this.raw.timestamp));
	}

	/** Offsets and fences as decimal strings. */
	toJSON(): unknown {
		const { partition, offset, key, value, headers, timestamp, attempt, fence } = this;
		return { partition, offset: offset.toString(), key, value, headers, timestamp, attempt, fence: fence.toString() };
	}

	[inspect.custom](): string {
		const key = this.key === undefined ? "" : ` key=${JSON.stringify(this.key.slice(0, 100))}`;
		return `Message(${partitionKey(this.partition)}@${this.offset}${key})`;
	}
}

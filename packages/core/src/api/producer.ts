import type { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { HeadersInput } from "./message.ts";
import type { Topic } from "./topic.ts";

/**
 * What became of one message.
 *
 * - `ok`: durable at the backend's class (`broker.capabilities.durability`)
 * - `failed`: was never stored and never will be
 * - `unknown`: may be stored; the broker did not say so within `deliveryTimeoutMs`
 */
export type Receipt = StoredReceipt | { readonly status: "failed" | "unknown"; readonly error: PolylogError };

export interface StoredReceipt {
	readonly status: "ok";
	readonly partition: Partition;
	/** Where the broker tells it. */
	readonly offset?: Offset;
}

export interface SendOptions {
	/** Default: the topic's `key(value)`. */
	readonly key?: string | Uint8Array;
	readonly headers?: HeadersInput;
	/** Overrides the partitioner. TOPIC_NOT_FOUND if the topic has no such partition. */
	readonly partition?: number;
	/** Default: now. */
	readonly timestamp?: Date | number;
	/**
	 * Gives up waiting with ABORTED: a message that was not sent yet is withdrawn; after that its outcome is `unknown`,
	 * and the error's text says that it may be stored.
	 */
	readonly signal?: AbortSignal;
}

export interface OutgoingMessage<T> extends Omit<SendOptions, "signal"> {
	readonly value: T;
}

export interface ProducerOptions {
	/** How long a batch waits for company, in ms. Default 0: what is sent in one turn of the event loop goes together. */
	readonly lingerMs?: number;
	/** Default 1000. */
	readonly maxBatchRecords?: number;
	/** Default 1 MiB. */
	readonly maxBatchBytes?: number;
	/**
	 * Everything accepted and not yet settled: key, value and headers, and a few bytes for each message and header.
	 * Default 32 MiB. Past it `send` waits, first come first served, or fails (`onFull`).
	 */
	readonly maxBufferedBytes?: number;
	/** `"wait"` (default) or `"fail"` with BUFFER_FULL. */
	readonly onFull?: "wait" | "fail";
	/** Key, value and headers of one record. Default 1 MiB. Larger: MESSAGE_TOO_LARGE, nothing is sent. */
	readonly maxRecordBytes?: number;
	/**
	 * From `send` to a final receipt, waiting for room and retries included. Default 120 s. Past it: TIMEOUT, `failed`
	 * if the message was never sent, else `unknown`. In `sendBatch` it counts from when a message is taken from the iterable,
	 * which happens within another such time.
	 */
	readonly deliveryTimeoutMs?: number;
}

/**
 * Sends values to one topic.
 *
 * Messages to one partition are stored in the order of the calls, across retries and reconnects too (what a caller
 * was told is `unknown` may still turn up late). Memory is bounded by `maxBufferedBytes`. The topic is made at the first
 * send if it does not exist. Its number of partitions is looked up again every 30 s while messages are sent: after it
 * grew, keys map to other partitions, and the order per key holds only among messages sent before, and among those sent after.
 */
export interface Producer<T> extends AsyncDisposable {
	/** Resolves when the message is durable; throws the error of a `failed` or `unknown` receipt. */
	send(value: T, options?: SendOptions): Promise<StoredReceipt>;
	/**
	 * One receipt for each message, in order; does not throw for what happens to single messages. Messages are taken from
	 * the iterable as there is room for them. If that ends early (`signal`, `close`, no room for `deliveryTimeoutMs`), the
	 * message in hand and the rest of an array are `failed`; of another iterable the rest is not taken and has no receipt.
	 * Rejects with what the iterable throws, after the messages before that are settled.
	 */
	sendBatch(messages: Iterable<OutgoingMessage<T>>, options?: { readonly signal?: AbortSignal }): Promise<Receipt[]>;
	/** Resolves when everything sent before is settled. */
	flush(): Promise<void>;
	/** Flushes within the deadline (default 30 s); what is left then is settled as failed or unknown. */
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

export interface ProducerGroupOptions extends ProducerOptions {
	/** This member's id, unique in the group. Default: made up. */
	readonly memberId?: string;
	/**
	 * An older process with the same member id is refused: its sends fail with FENCED from the first send of this one to
	 * the partition on. UNSUPPORTED without the capability `producerFencing`; needs `memberId` (TypeError). Older and newer
	 * are told by the wall clock at the creation of the group: hosts that share a member id need clocks in step.
	 */
	readonly fenced?: boolean;
}

/**
 * A named set of producers that feed the same topics. What its members send carries three headers:
 * `x-polylog-producer-group`, `x-polylog-producer` (member id) and `x-polylog-sequence` (counted per member, topic
 * and partition from 0; numbers of messages that were not stored are missing). Headers of these names given to `send` are replaced.
 */
export interface ProducerGroup extends AsyncDisposable {
	readonly name: string;
	readonly memberId: string;
	/**
	 * The member's producer for the topic; the same object until it is closed. `options` override the group's. TypeError
	 * for another definition of the topic or other options while it is open: one member is one sequence per partition.
	 */
	producer<T>(topic: Topic<T>, options?: ProducerOptions): Producer<T>;
	/** Closes its producers: see `Producer.close`. */
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

import type { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { HeadersInput } from "./message.ts";

/**
 * What became of one message.
 *
 * - `ok`: durable at the backend's class (`broker.capabilities.durability`)
 * - `failed`: was never stored and never will be
 * - `unknown`: may be stored; the broker did not say so within `deliveryTimeoutMs`
 */
export type Receipt =
	| { readonly status: "ok"; readonly partition: Partition; readonly offset?: Offset }
	| { readonly status: "failed" | "unknown"; readonly error: PolylogError };

export interface SendOptions {
	/** Default: the topic's `key(value)`. */
	readonly key?: string | Uint8Array;
	readonly headers?: HeadersInput;
	/** Overrides the partitioner. */
	readonly partition?: number;
	/** Default: now. */
	readonly timestamp?: Date | number;
	/** Gives up waiting: before the message was sent it is withdrawn, afterwards its outcome is `unknown`. */
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
	/** Everything accepted and not yet settled. Default 32 MiB. Past it `send` waits, or fails (`onFull`). */
	readonly maxBufferedBytes?: number;
	/** `"wait"` (default) or `"fail"` with BUFFER_FULL. */
	readonly onFull?: "wait" | "fail";
	/** Key, value and headers of one record. Default 1 MiB. Larger: MESSAGE_TOO_LARGE, nothing is sent. */
	readonly maxRecordBytes?: number;
	/** From `send` to a final receipt, retries included. Default 120 s. */
	readonly deliveryTimeoutMs?: number;
}

/**
 * Sends values to one topic.
 *
 * Messages to one partition are stored in the order of the calls, across retries and reconnects too. Memory is
 * bounded by `maxBufferedBytes`.
 */
export interface Producer<T> extends AsyncDisposable {
	/** Resolves when the message is durable; throws the error of a `failed` or `unknown` receipt. */
	send(value: T, options?: SendOptions): Promise<Extract<Receipt, { status: "ok" }>>;
	/** One receipt for each message, in order; does not throw for what happens to single messages. */
	sendBatch(messages: Iterable<OutgoingMessage<T>>, options?: { readonly signal?: AbortSignal }): Promise<Receipt[]>;
	/** Resolves when everything sent before is settled. */
	flush(): Promise<void>;
	/** Flushes within the deadline (default 30 s); what is left then is settled as failed or unknown. */
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

export interface ProducerGroupOptions extends ProducerOptions {
	/** This member's id, unique in the group. Default: made up. */
	readonly memberId?: string;
	/** An older process with the same member id is refused (capability `producerFencing`; needs `memberId`). */
	readonly fenced?: boolean;
}

/**
 * A named set of producers that feed the same topics. What its members send carries three headers:
 * `x-polylog-producer-group`, `x-polylog-producer` (member id) and `x-polylog-sequence` (counted per member and partition from 0).
 */
export interface ProducerGroup extends AsyncDisposable {
	readonly name: string;
	readonly memberId: string;
	producer<T>(topic: import("./topic.ts").Topic<T>, options?: ProducerOptions): Producer<T>;
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

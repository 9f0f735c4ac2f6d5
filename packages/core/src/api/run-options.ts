import type { Batch, Context, Message } from "./message.ts";

/** May return a promise; the message counts as processed when it resolves, as failed when it throws. */
export type Handler<T> = (message: Message<T>, context: Context) => unknown;
export type BatchHandler<T> = (batch: Batch<T>, context: Context) => unknown;

export interface RetryOptions {
	/** Tries after the first one. Default 3; 0: none; `Infinity`: for ever. */
	readonly retries?: number;
	/** Default 100 ms, doubled each time up to `maxDelayMs`, with jitter of ± 20 %. */
	readonly initialDelayMs?: number;
	/** Default 10 s. */
	readonly maxDelayMs?: number;
}

/**
 * What happens to a message whose retries are used up, or that cannot be decoded (no retry helps there).
 *
 * - `stop()`: the default. The partition stops before this message, which stays uncommitted; `stuck` is emitted and
 *   logged. Others go on. `member.resume([partition])` tries again.
 * - `skip()`: on to the next message; `error` is emitted.
 * - `deadLetter(topic)`: the record as it is stored is appended there with the reason in its headers; when that is durable, on to the next.
 */
export type FailurePolicy = { readonly kind: "stop" } | { readonly kind: "skip" } | { readonly kind: "deadLetter"; readonly topic: string };

/** How delivered messages fail and are committed; given to `join` it is the default for every way of taking messages. */
export interface DeliveryOptions {
	readonly retry?: RetryOptions;
	readonly onFailure?: FailurePolicy;
	/** `"auto"` (default): processed messages are committed every `commitIntervalMs`. `"manual"`: only by `member.commit`. */
	readonly commit?: "auto" | "manual";
	/** Default 1000 ms. */
	readonly commitIntervalMs?: number;
}

export interface RunOptions extends DeliveryOptions {
	/** Handlers running at once in this member, not counting those that hang past `maxHandlerMs`. Default 16. */
	readonly concurrency?: number;
	/**
	 * `"partition"` (default): one message of a partition at a time. `"key"`: messages of one partition with different
	 * keys run side by side, those of one key in order (records without a key count as one key); commits cover only
	 * the contiguous prefix.
	 */
	readonly order?: "partition" | "key";
	/** Ends `run`: running handlers finish, what is processed is committed. */
	readonly signal?: AbortSignal;
}

export interface BatchOptions extends Omit<RunOptions, "order"> {
	/** Default 500. */
	readonly maxMessages?: number;
}

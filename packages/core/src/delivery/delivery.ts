// One message's way through the handler: decode, try, try again, and the failure policy in the end.
// The path of a message that is decoded and handled synchronously has no promise in it.
import type { Message } from "../api/message.ts";
import type { FailurePolicy, RetryOptions } from "../api/run-options.ts";
import type { Topic } from "../api/topic.ts";
import type { Backend } from "../backend.ts";
import { sleep } from "../clock.ts";
import type { RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import { atAttempt, decodeMessage } from "../message.ts";
import type { Partition } from "../partition.ts";
import { backoffMs } from "../patience.ts";
import type { Held } from "../consumer-group/offset-tracker.ts";
import type { PartitionLane } from "../consumer-group/partition-lane.ts";
import type { Watchdog } from "../consumer-group/watchdog.ts";

/** A handler that is running, as the watchdog knows it. */
export interface RunningHandler {
	readonly lane: PartitionLane;
}

/** What happens outside the lane when a message fails for good; implemented by the member. */
export interface FailureSink {
	/** The record, durably, in the dead-letter topic. */
	deadLetter(topic: string, lane: PartitionLane, record: RawRecord, error: PolylogError): Promise<void>;
	/** The partition stopped. */
	stuck(lane: PartitionLane, error: PolylogError): void;
	/** The message was disposed of and the partition goes on. */
	report(error: PolylogError): void;
	/** A handler that had been given up on came back. */
	returned(lane: PartitionLane): void;
}

export interface DeliveryParts<T> {
	readonly backend: Backend;
	readonly group: string;
	/** The definition of the partition's topic. */
	readonly topic: (partition: Partition) => Topic<T>;
	readonly retry: Required<RetryOptions>;
	readonly onFailure: FailurePolicy;
	readonly watchdog: Watchdog<RunningHandler>;
	readonly sink: FailureSink;
}

/** What a decoded delivery is handed to: the user's handler for one message, or for a batch. */
type Work = () => unknown;

export class Delivery<T> {
	readonly #parts: DeliveryParts<T>;

	constructor(parts: DeliveryParts<T>) {
		this.#parts = parts;
	}

	/** The record as a message. Throws, or rejects, with CODEC_FAILED; synchronous where the codec and schema are. */
	decode(lane: PartitionLane, record: RawRecord, attempt: number): Message<T> | Promise<Message<T>> {
		return decodeMessage(this.#parts.topic(lane.partition), record, { partition: lane.partition, fence: lane.fence, attempt });
	}

	/** Takes one record to its end. Settles the record with the lane; never rejects. */
	deliver(lane: PartitionLane, held: Held, handle: (message: Message<T>) => unknown): Promise<void> | undefined {
		let message: Message<T> | Promise<Message<T>>;
		try {
			message = this.decode(lane, held.record, 1);
		} catch (error) {
			return this.dispose(lane, [held], this.#asError(error, lane, held.record, 1));
		}
		if (message instanceof Promise) return this.#deliverDecoded(lane, held, message, handle);
		return this.#try(lane, [held], message, handle);
	}

	async #deliverDecoded(
		lane: PartitionLane,
		held: Held,
		decoding: Promise<Message<T>>,
		handle: (message: Message<T>) => unknown,
	): Promise<void> {
		let message: Message<T>;
		try {
			message = await decoding;
		} catch (error) {
			return this.dispose(lane, [held], this.#asError(error, lane, held.record, 1));
		}
		return this.#try(lane, [held], message, handle);
	}

	#try(
		lane: PartitionLane,
		held: readonly [Held],
		message: Message<T>,
		handle: (message: Message<T>) => unknown,
	): Promise<void> | undefined {
		return this.handle(
			lane,
			held,
			() => handle(message),
			(attempt) => handle(atAttempt(message, attempt)),
		);
	}

	/** Runs `first`, then `again` for every retry; all of `held` share the outcome. Never rejects. */
	handle(lane: PartitionLane, held: readonly Held[], first: Work, again: (attempt: number) => unknown): Promise<void> | undefined {
		let result: unknown;
		try {
			result = first();
		} catch (error) {
			return this.#retry(lane, held, error, again);
		}
		if (!isThenable(result)) {
			for (const one of held) lane.complete(one);
			return undefined;
		}
		return this.#settle(lane, held, result, again);
	}

	async #settle(
		lane: PartitionLane,
		held: readonly Held[],
		result: PromiseLike<unknown>,
		again: (attempt: number) => unknown,
	): Promise<void> {
		try {
			await this.#watched(lane, result);
		} catch (error) {
			return this.#retry(lane, held, error, again);
		}
		for (const one of held) lane.complete(one);
	}

	async #watched(lane: PartitionLane, result: PromiseLike<unknown>): Promise<void> {
		const handler: RunningHandler = { lane };
		this.#parts.watchdog.start(handler);
		try {
			await result;
		} finally {
			// The partition was given up while this handler ran: from now on the member may own it again.
			if (!this.#parts.watchdog.stop(handler)) this.#parts.sink.returned(lane);
		}
	}

	async #retry(lane: PartitionLane, held: readonly Held[], cause: unknown, again: (attempt: number) => unknown): Promise<void> {
		const { retries, initialDelayMs, maxDelayMs } = this.#parts.retry;
		const { clock, random } = this.#parts.backend;
		let error = cause;
		for (let attempt = 1; ; attempt++) {
			if (!held.every((one) => lane.isLive(one)) || lane.halt.aborted) return this.#letGo(lane, held);
			if (attempt > retries) return this.dispose(lane, held, this.#asError(error, lane, held[0]?.record, attempt));
			try {
				await sleep(clock, backoffMs(attempt, random, initialDelayMs, maxDelayMs), lane.halt);
			} catch {
				return this.#letGo(lane, held);
			}
			try {
				const result = again(attempt + 1);
				if (isThenable(result)) await this.#watched(lane, result);
				for (const one of held) lane.complete(one);
				return;
			} catch (failure) {
				error = failure;
			}
		}
	}

	/** The failure policy, for records that no retry helps. */
	async dispose(lane: PartitionLane, held: readonly Held[], error: PolylogError): Promise<void> {
		const { onFailure, sink } = this.#parts;
		// A shutdown, a rebalance or a seek must not dispose of anything: the next owner decides.
		if (lane.halt.aborted) return this.#letGo(lane, held);
		try {
			if (onFailure.kind === "stop") throw error;
			if (onFailure.kind === "deadLetter") for (const one of held) await sink.deadLetter(onFailure.topic, lane, one.record, error);
		} catch (reason) {
			if (!lane.halt.aborted) sink.stuck(lane, reason === error ? error : this.#asError(reason, lane, held[0]?.record, 1));
			return this.#letGo(lane, held);
		}
		for (const one of held) lane.complete(one);
		sink.report(error);
	}

	#letGo(lane: PartitionLane, held: readonly Held[]): void {
		for (const one of held) lane.release(one);
	}

	#asError(error: unknown, lane: PartitionLane, record: RawRecord | undefined, attempt: number): PolylogError {
		const { partition } = lane;
		const key = record?.key && Buffer.from(record.key).toString("utf8");
		const context = {
			topic: partition.topic,
			partition: partition.index,
			group: this.#parts.group,
			attempt,
			...(record ? { offset: record.offset } : {}),
			...(key === undefined ? {} : { key }),
		};
		if (error instanceof PolylogError)
			return new PolylogError(error.code, error.message, { ...error.context, ...context, cause: error.cause });
		const reason = error instanceof Error ? error.message : String(error);
		return new PolylogError(
			"HANDLER_FAILED",
			`handler of group ${this.#parts.group} failed on ${lane.key} offset ${record?.offset} (attempt ${attempt}): ${reason}`,
			{ ...context, cause: error },
		);
	}
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
	return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

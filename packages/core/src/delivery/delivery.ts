// One message's way through the handler: decode, try, try again, and the failure policy in the end.
// The path of a message that is decoded and handled synchronously has no promise in it.
import { partitionContext } from "../partition-context.ts";
import type { Message } from "../api/message.ts";
import type { FailurePolicy, RetryOptions } from "../api/run-options.ts";
import type { Topic } from "../api/topic.ts";
import type { Backend } from "../backend.ts";
import { sleep } from "../clock.ts";
import type { RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import { atAttempt, decodeMessage } from "../message.ts";
import type { Partition } from "../partition.ts";
import { backoffMs, persevere } from "../patience.ts";
import type { Held } from "../consumer-group/offset-tracker.ts";
import type { PartitionLane } from "../consumer-group/partition-lane.ts";
import type { Slots } from "../consumer-group/slots.ts";
import type { Watchdog } from "../consumer-group/watchdog.ts";
import { mayStart } from "../consumer-group/worker.ts";

/** A handler that is running, as the watchdog knows it. */
export interface RunningHandler {
	readonly lane: PartitionLane;
	/** Called once if it runs past `maxHandlerMs`. */
	readonly givenUp?: () => void;
}

/** What happens outside the lane when a message fails for good; implemented by the member. */
export interface FailureSink {
	/** The record, durably, in the dead-letter topic. */
	deadLetter(topic: string, lane: PartitionLane, record: RawRecord, error: PolylogError): Promise<void>;
	/** The partition stopped. */
	stuck(lane: PartitionLane, error: PolylogError): void;
	/** The message was disposed of and the partition goes on. */
	report(error: PolylogError): void;
}

export interface DeliveryParts<T> {
	readonly backend: Backend;
	readonly group: string;
	/** The definition of the partition's topic. */
	readonly topic: (partition: Partition) => Topic<T>;
	readonly retry: Required<RetryOptions>;
	readonly onFailure: FailurePolicy;
	readonly watchdog: Watchdog<RunningHandler>;
	/** Whoever delivers holds one; it is lent to others during a back-off. */
	readonly slots: Slots;
	/** Aborts when messages are no longer taken: a back-off ends then, and disposes of nothing. */
	readonly stopping: AbortSignal;
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
		if (!(await mayStart(lane, held, this.#parts.backend.clock))) return lane.release(held);
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
		const { slots, watchdog } = this.#parts;
		let lent = false;
		// A handler that hangs must not hold the slot of partitions that do not: it gets another when it returns.
		const givenUp = () => {
			lent = true;
			slots.give();
		};
		const handler: RunningHandler = { lane, givenUp };
		watchdog.start(handler);
		try {
			await result;
		} finally {
			watchdog.stop(handler);
			if (lent) await slots.take();
		}
	}

	async #retry(lane: PartitionLane, held: readonly Held[], cause: unknown, again: (attempt: number) => unknown): Promise<void> {
		const { retry, stopping } = this.#parts;
		let error = cause;
		for (let attempt = 1; ; attempt++) {
			if (!held.every((one) => lane.isLive(one)) || lane.halt.aborted || stopping.aborted) return this.#letGo(lane, held);
			if (attempt > retry.retries) return this.dispose(lane, held, this.#asError(error, lane, held[0]?.record, attempt));
			if (!(await this.#backOff(lane, held, attempt))) return;
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

	/** Waits before the next try, without a slot. If the run or the records' time here ends first they are let go. */
	async #backOff(lane: PartitionLane, held: readonly Held[], attempt: number): Promise<boolean> {
		const { backend, retry, slots, stopping } = this.#parts;
		const over = AbortSignal.any([lane.halt, stopping]);
		const delay = backoffMs(attempt, backend.random, retry.initialDelayMs, retry.maxDelayMs);
		slots.give();
		const waited = await sleep(backend.clock, delay, over).then(
			() => slots.take(over),
			() => false,
		);
		const [first] = held;
		if (waited && first && (await mayStart(lane, first, backend.clock)) && !over.aborted) return true;
		// Before the slot is back, since whoever waits for these records must not wait for another partition's handler.
		this.#letGo(lane, held);
		if (!waited) await slots.take();
		return false;
	}

	/** The failure policy, for records that no retry helps. */
	async dispose(lane: PartitionLane, held: readonly Held[], error: PolylogError): Promise<void> {
		const { backend, onFailure, sink, stopping } = this.#parts;
		const { halt } = lane;
		// A shutdown, a rebalance or a seek must not dispose of anything: the next owner decides.
		if (halt.aborted || stopping.aborted || !held.every((one) => lane.isLive(one))) return this.#letGo(lane, held);
		try {
			if (onFailure.kind === "stop") throw error;
			if (onFailure.kind === "deadLetter") {
				const patience = { clock: backend.clock, random: backend.random, signal: AbortSignal.any([halt, stopping]) };
				for (const one of held) await persevere(() => sink.deadLetter(onFailure.topic, lane, one.record, error), patience);
			}
		} catch (reason) {
			if (!halt.aborted && !stopping.aborted) sink.stuck(lane, reason === error ? error : this.#asError(reason, lane, held[0]?.record, 1));
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
			...partitionContext(partition),
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

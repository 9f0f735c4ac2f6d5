// The producer: wires encoding, the bounded buffer, the partitions' queues and their receipts together.
import type { OutgoingMessage, Producer, ProducerOptions, Receipt, SendOptions, StoredReceipt } from "../api/producer.ts";
import type { Topic } from "../api/topic.ts";
import { isPromise } from "../codec/schema.ts";
import { PolylogError } from "../errors.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { type GaveUp, gaveUp } from "./delivery-errors.ts";
import { BatchEntrant, type Gate, SendEntrant } from "./entrants.ts";
import { FlushBarrier, type Stage } from "./flush-barrier.ts";
import { Intake } from "./intake.ts";
import { type ProducerLimits, producerLimits } from "./limits.ts";
import { asPolylogError, type Outgoing, outgoing, type OutgoingRules } from "./outgoing.ts";
import { type Identity, PartitionQueue, type QueueOwner, type QueueParts } from "./partition-queue.ts";
import { Pending, type ReceiptSink } from "./pending.ts";
import { Placement } from "./placement.ts";
import { BatchSink, SendSink } from "./receipts.ts";
import { Turn } from "./turn.ts";

export interface ProducerParts extends Pick<QueueParts, "driver" | "clock" | "random" | "wrap"> {
	/** The topic's number of partitions; with `make` it is made if it is missing and its definition says how. */
	readonly ensureTopic: (topic: Topic<unknown>, make: boolean) => Promise<number>;
	/** Default: one of its own, made up. */
	readonly identity?: Identity;
	/** The broker refused this producer's identity for good. */
	readonly onFenced?: (error: PolylogError) => void;
	/** It was closed: nobody has to see to it any more. */
	readonly onClosed?: () => void;
}

export function createProducer<T>(topic: Topic<T>, parts: ProducerParts, options?: ProducerOptions): TopicProducer<T> {
	return new TopicProducer(topic, parts, producerLimits(options));
}

export class TopicProducer<T> implements Producer<T>, QueueOwner, Gate<T> {
	readonly #topic: Topic<T>;
	readonly #parts: ProducerParts;
	readonly #limits: ProducerLimits;
	readonly #rules: OutgoingRules;
	readonly #queueParts: QueueParts;
	readonly #barrier = new FlushBarrier();
	readonly #intake = new Intake();
	readonly #placement: Placement;
	readonly #turn: Turn;
	/** For those that wait in the intake or for a partition; the queues watch their own. */
	readonly #deadline: DeadlineTimer;
	readonly #queues: PartitionQueue[] = [];
	#bufferedBytes = 0;
	#refusal: (() => PolylogError) | undefined;
	#closing: Promise<void> | undefined;

	constructor(topic: Topic<T>, parts: ProducerParts, limits: ProducerLimits) {
		const { clock, driver, random, wrap } = parts;
		this.#topic = topic;
		this.#parts = parts;
		this.#limits = limits;
		this.#rules = { clock, maxRecordBytes: limits.maxRecordBytes, tombstones: driver.capabilities.tombstones };
		this.#queueParts = { clock, driver, random, wrap, limits, identity: parts.identity ?? { id: random.hex(16), epoch: 0, sequences: [] } };
		this.#placement = new Placement({
			topic,
			clock,
			random,
			wrap,
			ensureTopic: (make) => parts.ensureTopic(topic, make),
			maxBatchRecords: limits.maxBatchRecords,
			placed: (entry, index) => this.#queue(index).push(entry),
			refused: (entry, error) => this.#refuse(entry, error),
		});
		this.#turn = new Turn(clock, () => this.#placement.spread.advance());
		this.#deadline = new DeadlineTimer(clock, () => this.#expire());
	}

	send(value: T, options: SendOptions = {}): Promise<StoredReceipt> {
		return new Promise((resolve, reject) => {
			const sink = new SendSink(resolve, reject);
			const entry = this.entry(sink, 0, this.#barrier.current);
			const refusal = this.#refusal?.() ?? this.#abortedAlready(options.signal);
			if (refusal) return entry.fail(refusal);
			sink.undo = onAbort(options.signal, (reason) => this.#withdraw(entry, { kind: "aborted", reason }));
			const encoding = this.encode(entry, value, options);
			if (!encoding && this.#intake.empty && this.admit(entry)) return;
			this.#deadline.arm(entry.deadline);
			this.#intake.add(new SendEntrant(entry, this));
			void encoding?.then(() => this.retry());
			this.#relax();
		});
	}

	sendBatch(messages: Iterable<OutgoingMessage<T>>, options: { readonly signal?: AbortSignal } = {}): Promise<Receipt[]> {
		return new Promise((resolve, reject) => {
			const { signal } = options;
			const refusal = this.#refusal?.() ?? this.#abortedAlready(signal);
			if (refusal) return reject(refusal);
			let failure: { readonly error: unknown } | undefined;
			const sink = new BatchSink((receipts) => {
				undo?.();
				if (failure) reject(failure.error);
				else resolve(receipts);
			});
			const entrant = new BatchEntrant(messages, sink, this.#barrier.current, this, {
				track: signal !== undefined,
				threw: (error) => void (failure = { error }),
				deadline: this.#parts.clock.now() + this.#limits.deliveryTimeoutMs,
			});
			const undo = onAbort(signal, (reason) => this.#withdrawBatch(entrant, { kind: "aborted", reason }));
			this.#deadline.arm(entrant.deadline);
			this.#intake.add(entrant);
			this.#relax();
		});
	}

	flush(): Promise<void> {
		for (const queue of this.#queues) queue?.hurry();
		return this.#barrier.flush();
	}

	close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
		return (this.#closing ??= this.#close(options.deadlineMs ?? 30_000));
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	get closed(): boolean {
		return this.#closing !== undefined;
	}

	/** Resolves when none of its appends is under way any more; `close` does not wait for a driver that hangs. */
	async idle(): Promise<void> {
		await Promise.all(this.#queues.map((queue) => queue?.idle));
	}

	/** Its identity was refused: nothing can be sent any more. */
	fence(error: PolylogError): void {
		if (this.#refusal) return;
		this.#refusal = () => new PolylogError("FENCED", error.message, { ...error.context, cause: error });
		this.#stop(error, { appending: false });
	}

	async #close(deadlineMs: number): Promise<void> {
		this.#refusal = () =>
			new PolylogError("CLOSED", `the producer for topic ${this.#topic.name} is closed; use a new one`, { topic: this.#topic.name });
		const flushed = this.flush();
		await new Promise<void>((resolve) => {
			const cancel = this.#parts.clock.after(deadlineMs, resolve);
			void flushed.then(() => {
				cancel();
				resolve();
			});
		});
		this.#stop({ kind: "closed" }, { appending: true });
		await flushed;
		this.#parts.onClosed?.();
	}

	#stop(why: PolylogError | GaveUp, options: { readonly appending: boolean }): void {
		const error = why instanceof PolylogError ? why : this.#gaveUp(why);
		this.#intake.clear(error);
		this.#placement.drop(
			() => true,
			() => error,
		);
		for (const queue of this.#queues) queue?.stop(why, options);
		this.#deadline.cancel();
	}

	#queue(index: number): PartitionQueue {
		const known = this.#queues[index];
		if (known) return known;
		const queue = new PartitionQueue({ topic: this.#topic.name, index }, this.#queueParts, this);
		this.#queues[index] = queue;
		return queue;
	}

	#withdraw(entry: Pending, why: GaveUp): void {
		if (entry.settled) return;
		if (entry.queue) entry.queue.withdraw(entry, why);
		else if (entry.admitted)
			this.#placement.drop(
				(other) => other === entry,
				() => this.#gaveUp(why),
			);
		else entry.fail(this.#gaveUp(why));
		this.retry();
	}

	#withdrawBatch(entrant: BatchEntrant<T>, why: GaveUp): void {
		for (const entry of entrant.entries) this.#withdraw(entry, why);
		entrant.expire(this.#gaveUp(why));
		this.retry();
	}

	#refuse(entry: Pending, error: PolylogError): void {
		entry.fail(error);
		this.released([entry]);
	}

	#expire(): void {
		const now = this.#parts.clock.now();
		const error = () => this.#gaveUp({ kind: "timeout", afterMs: this.#limits.deliveryTimeoutMs, last: this.#placement.lastError });
		this.#placement.drop((entry) => entry.deadline <= now, error);
		this.#intake.expire(now, error);
		this.#deadline.arm(Math.min(this.#intake.deadline, this.#placement.deadline ?? Infinity));
	}

	/** A deadline that nobody waits for must not keep the process. */
	#relax(): void {
		if (this.#intake.empty && this.#placement.deadline === undefined) this.#deadline.cancel();
	}

	#gaveUp(why: GaveUp): PolylogError {
		return gaveUp(why, false, this.#topic.name, undefined);
	}

	#abortedAlready(signal: AbortSignal | undefined): PolylogError | undefined {
		return signal?.aborted ? this.#gaveUp({ kind: "aborted", reason: signal.reason }) : undefined;
	}

	// What its parts ask of it.

	entry(sink: ReceiptSink, index: number, stage: Stage): Pending {
		return new Pending(sink, index, stage, this.#parts.clock.now() + this.#limits.deliveryTimeoutMs);
	}

	encode(entry: Pending, value: T, options: Omit<SendOptions, "signal">): Promise<void> | undefined {
		const failed = (error: unknown) => entry.fail(asPolylogError(error, this.#topic.name));
		try {
			entry.partition = options.partition;
			const made = outgoing(this.#topic, value, options, this.#rules);
			if (isPromise(made)) return made.then((ready) => fill(entry, ready)).catch(failed);
			fill(entry, made);
		} catch (error) {
			failed(error);
		}
		return undefined;
	}

	admit(entry: Pending): boolean {
		if (entry.settled) return true;
		const { maxBufferedBytes, onFull } = this.#limits;
		// A message larger than the whole buffer goes alone.
		if (this.#bufferedBytes > 0 && this.#bufferedBytes + entry.bytes > maxBufferedBytes) {
			if (onFull === "wait") return false;
			const message = `the buffer of the producer for topic ${this.#topic.name} is full (${this.#bufferedBytes} of ${maxBufferedBytes} bytes): send slower, raise maxBufferedBytes, or let send wait (onFull)`;
			entry.fail(new PolylogError("BUFFER_FULL", message, { topic: this.#topic.name }));
			return true;
		}
		entry.admitted = true;
		this.#bufferedBytes += entry.bytes;
		this.#placement.place(entry, entry.deadline - this.#limits.deliveryTimeoutMs);
		if (!entry.queue && entry.admitted) this.#deadline.arm(entry.deadline);
		return true;
	}

	retry(): void {
		if (this.#intake.empty) return;
		this.#intake.drain();
		this.#relax();
	}

	turn(): Promise<void> {
		return this.#parts.clock.yield();
	}

	arrange(queue: PartitionQueue): void {
		this.#turn.arrange(queue);
	}

	batchTaken(index: number): void {
		this.#placement.spread.taken(index);
		this.#relax();
	}

	released(entries: readonly Pending[]): void {
		for (const entry of entries) {
			if (!entry.admitted) continue;
			entry.admitted = false;
			this.#bufferedBytes -= entry.bytes;
		}
		this.retry();
	}

	driverFailed(error: PolylogError): void {
		if (error.code === "TOPIC_NOT_FOUND") this.#placement.doubt();
		if (error.code !== "FENCED") return;
		this.fence(error);
		this.#parts.onFenced?.(error);
	}
}

function fill(entry: Pending, { record, bytes }: Outgoing): void {
	entry.record = record;
	entry.bytes = bytes;
	entry.encoded = true;
}

/** Calls `listener` when the signal aborts; the returned function takes it off again. */
function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): (() => void) | undefined {
	if (!signal) return undefined;
	const heard = () => listener(signal.reason);
	signal.addEventListener("abort", heard, { once: true });
	return () => signal.removeEventListener("abort", heard);
}

// The messages of one producer to one partition, in order: one append at a time, repeated until it is settled.
import type { Driver } from "../driver/driver.ts";
import type { AppendOutcome, OutgoingRecord } from "../driver/record.ts";
import type { Clock, Random } from "../clock.ts";
import type { ErrorContext } from "../errors.ts";
import { PolylogError } from "../errors.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { backoffMs } from "../patience.ts";
import { Batcher } from "./batcher.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { type GaveUp, gaveUp } from "./delivery-errors.ts";
import type { ProducerLimits } from "./limits.ts";
import type { Pending } from "./pending.ts";
import { type Judged, verdicts } from "./verdicts.ts";

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 2_000;

/** A driver's error as a PolylogError: see driver-errors.ts. */
export type WrapError = (error: unknown, doing: string, context: ErrorContext) => PolylogError;

/** Who appends, and what the records carry of that. */
export interface Identity {
	readonly id: string;
	readonly epoch: number;
	/** The next sequence number by partition; outlives the producer in a producer group. */
	readonly sequences: number[];
	/** Adds what a producer group's records carry. */
	readonly stamp?: (record: OutgoingRecord, sequence: number) => OutgoingRecord;
}

export interface QueueParts {
	readonly driver: Pick<Driver, "append" | "capabilities">;
	readonly clock: Clock;
	readonly random: Random;
	readonly wrap: WrapError;
	readonly limits: ProducerLimits;
	readonly identity: Identity;
}

/** The producer, as its queues see it. */
export interface QueueOwner {
	/** Asks for `pump` in a later turn of the event loop, so that what is sent in this one goes together. */
	arrange(queue: PartitionQueue): void;
	batchTaken(index: number): void;
	released(entries: readonly Pending[]): void;
	driverFailed(error: PolylogError): void;
}

export class PartitionQueue {
	readonly partition: Partition;
	readonly #parts: QueueParts;
	readonly #owner: QueueOwner;
	readonly #batcher: Batcher;
	readonly #deadline: DeadlineTimer;
	readonly #linger: DeadlineTimer;
	// The batch being delivered; its first #flying are in an append that has not returned.
	#batch: Pending[] = [];
	#flying = 0;
	#append = new AbortController();
	#wake: (() => void) | undefined;
	#lastError: PolylogError | undefined;
	#delivering: Promise<void> | undefined;

	constructor(partition: Partition, parts: QueueParts, owner: QueueOwner) {
		this.partition = partition;
		this.#parts = parts;
		this.#owner = owner;
		this.#batcher = new Batcher(parts.limits);
		this.#deadline = new DeadlineTimer(parts.clock, () => this.#expire());
		this.#linger = new DeadlineTimer(parts.clock, () => this.pump());
	}

	/** Resolves when no append is under way. */
	get idle(): Promise<void> {
		return this.#delivering ?? Promise.resolve();
	}

	push(entry: Pending): void {
		entry.queue = this;
		this.#batcher.push(entry);
		if (entry.urgent) this.#batcher.hurry();
		this.#deadline.arm(entry.deadline);
		if (this.#delivering) return;
		if (this.#batcher.full) this.pump();
		else if (this.#batcher.size === 1) this.#owner.arrange(this);
	}

	/** What waits does not linger. */
	hurry(): void {
		this.#batcher.hurry();
		if (this.#batcher.size > 0) this.#owner.arrange(this);
	}

	/** Starts the next batch if it is due and none is under way. */
	pump(): void {
		if (this.#delivering) return;
		const dueAt = this.#batcher.dueAt();
		if (dueAt === undefined) return this.#deadline.cancel();
		if (dueAt > this.#parts.clock.now()) return this.#linger.arm(dueAt);
		this.#linger.cancel();
		this.#take();
		this.#delivering = this.#deliver().then(() => {
			this.#delivering = undefined;
			this.pump();
		});
	}

	/** The caller's signal aborted. */
	withdraw(entry: Pending, why: GaveUp): void {
		if (entry.settled) return;
		if (entry.sequence === -1) {
			this.#batcher.withdraw(entry);
			entry.fail(this.#error(why, false));
			this.#owner.released([entry]);
			return;
		}
		this.#giveUp(why, (other) => other === entry);
	}

	/** Settles all that is not in an append; with `appending` that too, and the append is aborted. */
	stop(error: PolylogError | GaveUp, options: { readonly appending: boolean }): void {
		const waiting = this.#batcher.clear();
		const failure = error instanceof PolylogError ? error : this.#error(error, false);
		for (const entry of waiting) entry.fail(failure);
		this.#owner.released(waiting);
		this.#giveUp(error, (_, index) => options.appending || index >= this.#flying);
		this.#linger.cancel();
		this.#deadline.cancel();
	}

	#take(): void {
		const { identity } = this.#parts;
		const { index } = this.partition;
		let sequence = identity.sequences[index] ?? 0;
		this.#batch = this.#batcher.take();
		for (const entry of this.#batch) {
			if (identity.stamp) entry.record = identity.stamp(entry.record, sequence);
			entry.sequence = sequence++;
		}
		// Never taken back, also if nothing of the batch is stored: a number that is used twice could make a broker
		// that recognizes repeats drop a message.
		identity.sequences[index] = sequence;
		this.#owner.batchTaken(index);
	}

	async #deliver(): Promise<void> {
		for (let failures = 0; this.#batch.length > 0;) {
			if (await this.#appendRun()) {
				failures = 0;
				continue;
			}
			if (this.#batch.length === 0) break;
			await this.#pause(backoffMs(++failures, this.#parts.random, FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS));
			this.#forgetSettled();
		}
	}

	/** Appends the longest run with consecutive sequence numbers. True if nothing of it has to be repeated. */
	async #appendRun(): Promise<boolean> {
		const run = leadingRun(this.#batch);
		this.#flying = run.length;
		this.#append = new AbortController();
		const outcomes = await this.#outcomes(run);
		this.#flying = 0;
		const rest = this.#batch.length === run.length ? [] : this.#batch.slice(run.length);
		if (this.#settleStored(run, outcomes)) {
			this.#batch = rest;
			this.#owner.released(run);
			return true;
		}
		const { again, errors } = this.#settle(run, outcomes, rest.length > 0);
		this.#batch = [...again, ...rest];
		const kept = new Set(again);
		this.#owner.released(run.filter((entry) => !kept.has(entry)));
		// Last, since it may stop this queue.
		for (const error of errors) this.#owner.driverFailed(error);
		this.#forgetSettled();
		return again.length === 0;
	}

	async #outcomes(run: readonly Pending[]): Promise<readonly AppendOutcome[]> {
		const { driver, identity } = this.#parts;
		const producer = { id: identity.id, epoch: identity.epoch, sequence: run[0]?.sequence ?? 0 };
		try {
			return await driver.append(
				this.partition,
				run.map((entry) => entry.record),
				producer,
				this.#append.signal,
			);
		} catch (error) {
			return run.map(() => ({ status: "unknown", error }));
		}
	}

	/** The common case: all are stored. False, with nothing done, if not. */
	#settleStored(run: readonly Pending[], outcomes: readonly AppendOutcome[]): boolean {
		if (outcomes.length !== run.length || !outcomes.every((outcome) => outcome.status === "ok")) return false;
		const { partition } = this;
		for (let i = 0; i < run.length; i++) {
			const offset = outcomes[i]?.offset;
			run[i]?.settle(offset === undefined ? { status: "ok", partition } : { status: "ok", partition, offset });
		}
		this.#lastError = undefined;
		return true;
	}

	/** Settles what can be; `again` has to be appended once more. */
	#settle(run: Pending[], outcomes: readonly AppendOutcome[], followed: boolean): { again: Pending[]; errors: Iterable<PolylogError> } {
		const { partition } = this;
		const known = new Map<unknown, PolylogError>();
		const wrap = (error: unknown) => this.#wrapOnce(known, error);
		const answers = run.map(
			(_, i) =>
				outcomes[i] ?? {
					status: "unknown" as const,
					error: new Error(`the adapter told ${outcomes.length} outcomes for ${run.length} records`),
				},
		);
		const errors = answers.map((answer) => (answer.status === "ok" ? undefined : wrap(answer.error)));
		const judged = answers.map(({ status }, i): Judged => ({
			status,
			retryable: mayRetry(status, errors[i]),
			maybeStored: run[i]?.maybeStored === true,
		}));
		const decided = verdicts(judged, followed, this.#parts.driver.capabilities.idempotentAppend);
		const again = run.filter((entry, i) => {
			const answer = answers[i];
			const error = errors[i];
			const verdict = decided[i];
			if (answer?.status === "unknown") entry.maybeStored = true;
			if (answer?.status === "ok")
				entry.settle(answer.offset === undefined ? { status: "ok", partition } : { status: "ok", partition, offset: answer.offset });
			else if (error && (verdict === "failed" || verdict === "unknown")) entry.settle({ status: verdict, error });
			return verdict === "again";
		});
		return { again, errors: known.values() };
	}

	/** All records of a broken append share one error. */
	#wrapOnce(known: Map<unknown, PolylogError>, error: unknown): PolylogError {
		const before = known.get(error);
		if (before) return before;
		const { topic, index } = this.partition;
		const wrapped = this.#parts.wrap(error, `appending to ${partitionKey(this.partition)}`, { topic, partition: index });
		known.set(error, wrapped);
		this.#lastError = wrapped;
		return wrapped;
	}

	#pause(delayMs: number): Promise<void> {
		return new Promise((resolve) => {
			const cancel = this.#parts.clock.after(delayMs, () => this.#wake?.());
			this.#wake = () => {
				cancel();
				this.#wake = undefined;
				resolve();
			};
			// A signal may have aborted before the pause began.
			if (this.#batch.every((entry) => entry.settled)) this.#wake();
		});
	}

	/**
	 * Drops what its caller no longer waits for. What may have been stored stays in the batch while others of it are
	 * repeated, since a broker may recognize a repeat by the whole batch.
	 */
	#forgetSettled(): void {
		const wanted = this.#batch.some((entry) => !entry.settled);
		const keeps = (entry: Pending) => !entry.settled || (wanted && entry.maybeStored);
		const dropped = this.#batch.filter((entry) => !keeps(entry));
		if (dropped.length === 0) return;
		this.#batch = this.#batch.filter(keeps);
		this.#owner.released(dropped);
	}

	#expire(): void {
		const now = this.#parts.clock.now();
		const why: GaveUp = { kind: "timeout", afterMs: this.#parts.limits.deliveryTimeoutMs, last: this.#lastError };
		const expired = this.#batcher.expired(now);
		const failure = this.#error(why, false);
		for (const entry of expired) entry.fail(failure);
		this.#owner.released(expired);
		this.#giveUp(why, (entry) => entry.deadline <= now);
		const next = this.#batch.find((entry) => !entry.settled)?.deadline ?? this.#batcher.deadline;
		if (next !== undefined) this.#deadline.arm(next);
	}

	/** Settles those of the current batch, and ends the append or the pause if nobody waits for it any more. */
	#giveUp(why: PolylogError | GaveUp, which: (entry: Pending, index: number) => boolean): void {
		for (const [index, entry] of this.#batch.entries()) {
			if (entry.settled || !which(entry, index)) continue;
			const sent = index < this.#flying || entry.maybeStored;
			entry.settle({ status: sent ? "unknown" : "failed", error: why instanceof PolylogError ? why : this.#error(why, sent) });
		}
		if (this.#flying > 0 && this.#batch.slice(0, this.#flying).every((entry) => entry.settled))
			this.#append.abort(this.#error({ kind: "aborted", reason: undefined }, true));
		if (this.#batch.every((entry) => entry.settled)) this.#wake?.();
	}

	#error(why: GaveUp, sent: boolean): PolylogError {
		return gaveUp(why, sent, this.partition.topic, this.partition.index);
	}
}

/** An unclassified error is repeated: what an adapter does not know may well pass. */
function mayRetry(status: AppendOutcome["status"], error: PolylogError | undefined): boolean {
	if (!error) return false;
	return error.retryable || (status === "unknown" && error.code === "UNKNOWN");
}

function leadingRun(batch: readonly Pending[]): Pending[] {
	const first = batch[0]?.sequence ?? 0;
	const end = batch.findIndex((entry, i) => entry.sequence !== first + i);
	return batch.slice(0, end === -1 ? batch.length : end);
}

// Appends batches, and says what became of them. One record batch for each partition in a request, to the partition's
// leader, acknowledged by all replicas in sync. Repeats are recognized by numbers of our own (kafkajs' would lose records:
// after a lost answer it gives the next, different batch the number of the lost one, which the broker then takes for a repeat).
import {
	type AppendOutcome,
	type OutgoingRecord,
	type Partition,
	partitionKey,
	PolylogError,
	type ProducerIdentity,
} from "@polylog/core/driver";
import { classify } from "./errors.ts";
import type { Layout, Place } from "./layout.ts";
import { encodeBatch, recordBound } from "./log/batch-writer.ts";
import type { Settings } from "./options.ts";
import type { ProducerNumbers, SequenceLine } from "./producer-numbers.ts";
import type { ProduceQueue } from "./produce-queue.ts";
import { ERROR, KafkaError } from "./wire/error-codes.ts";

/**
 * The leader has stored the batch, or may have; it does not know whether the replicas have. NOT_LEADER_OR_FOLLOWER is said
 * before the append by one that is no leader, and after it by one that is leader no longer, since its broker is stopping.
 */
const MAYBE_STORED: ReadonlySet<number> = new Set([
	-1,
	ERROR.notLeader,
	ERROR.requestTimedOut,
	ERROR.notEnoughReplicasAfterAppend,
	ERROR.storageError,
]);
/** The broker does not know the producer, or knows it otherwise: its memory of it is gone. */
const FORGOTTEN: ReadonlySet<number> = new Set([ERROR.outOfOrderSequence, ERROR.invalidProducerEpoch, ERROR.unknownProducerId]);

export class Appender {
	readonly #layout: Layout;
	readonly #numbers: ProducerNumbers;
	readonly #queue: ProduceQueue;
	readonly #settings: Settings;

	constructor(layout: Layout, numbers: ProducerNumbers, queue: ProduceQueue, settings: Settings) {
		this.#layout = layout;
		this.#numbers = numbers;
		this.#queue = queue;
		this.#settings = settings;
	}

	async append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]> {
		const outcomes: AppendOutcome[] = [];
		while (outcomes.length < records.length) {
			signal?.throwIfAborted();
			const part = this.#firstBatch(records, outcomes.length);
			await this.#appendBatch(partition, part, { ...producer, sequence: producer.sequence + outcomes.length }, outcomes, signal);
			const last = outcomes.at(-1);
			// What follows would overtake a batch that will be repeated; it was not sent, and goes with it.
			if (last && last.status !== "ok" && isRepeated(last)) {
				while (outcomes.length < records.length) outcomes.push({ status: "failed", error: last.error });
			}
		}
		return outcomes;
	}

	/** The same records always make the same batches, since a repeat is recognized by the whole batch. */
	#firstBatch(records: readonly OutgoingRecord[], from: number): readonly OutgoingRecord[] {
		let bytes = 0;
		for (let end = from; end < records.length; end++) {
			bytes += recordBound(records[end] as OutgoingRecord);
			if (bytes > this.#settings.maxBatchBytes && end > from) return records.slice(from, end);
		}
		return from === 0 ? records : records.slice(from);
	}

	/** Adds the outcomes of one batch. A batch that is too large is taken apart. */
	async #appendBatch(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		outcomes: AppendOutcome[],
		signal: AbortSignal | undefined,
	): Promise<void> {
		const outcome = await this.#send(partition, records, producer, signal);
		if (outcome.status === "failed" && records.length > 1 && classify(outcome.error).code === "MESSAGE_TOO_LARGE") {
			const half = records.length >> 1;
			await this.#appendBatch(partition, records.slice(0, half), producer, outcomes, signal);
			const last = outcomes.at(-1);
			if (last && isRepeated(last)) return;
			return await this.#appendBatch(partition, records.slice(half), { ...producer, sequence: producer.sequence + half }, outcomes, signal);
		}
		for (let i = 0; i < records.length; i++) {
			outcomes.push(
				outcome.status === "ok" && outcome.offset !== undefined ? { status: "ok", offset: outcome.offset + BigInt(i) } : outcome,
			);
		}
	}

	async #send(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal: AbortSignal | undefined,
	): Promise<AppendOutcome> {
		const line = this.#numbers.line(producer, partition);
		let leader: number | undefined;
		try {
			const place = await this.#layout.place(partition, signal);
			leader = place.leader;
			await this.#numbers.prepare(line, producer, signal);
			const batch = encodeBatch(records, line.numbers(), this.#settings.compression);
			signal?.throwIfAborted();
			const { topic, index } = partition;
			const { errorCode, baseOffset, told } = await this.#untilMoved(partition, place, signal, (until) =>
				this.#queue.send(place.leader, { topic, index, batch }, { onSent: () => line.sent(), signal: until }),
			);
			if (errorCode === ERROR.none || errorCode === ERROR.duplicateSequence) {
				line.stored(records.length);
				return errorCode === ERROR.none && baseOffset >= 0n ? { status: "ok", offset: baseOffset } : { status: "ok" };
			}
			this.#layout.forget(topic, MAYBE_STORED.has(errorCode) ? leader : undefined);
			return this.#refused(line, new KafkaError(errorCode, "the partition's leader answers", told));
		} catch (error) {
			line.unanswered();
			signal?.throwIfAborted();
			this.#layout.forget(partition.topic, leader);
			return { status: line.doubtful ? "unknown" : "failed", error };
		}
	}

	/** A leader that is frozen or cut off does not answer for long: what it was asked is given up once there is another one. */
	async #untilMoved<T>(
		partition: Partition,
		place: Place,
		signal: AbortSignal | undefined,
		work: (signal: AbortSignal) => Promise<T>,
	): Promise<T> {
		const over = new AbortController();
		const moved = this.#layout.movedOn(partition, place, over.signal).then(() => {
			throw new PolylogError("UNAVAILABLE", `another broker leads ${partitionKey(partition)} now`);
		});
		moved.catch(() => {});
		try {
			return await Promise.race([work(signal ? AbortSignal.any([signal, over.signal]) : over.signal), moved]);
		} finally {
			over.abort();
		}
	}

	#refused(line: SequenceLine, error: KafkaError): AppendOutcome {
		if (MAYBE_STORED.has(error.errorCode)) {
			line.unanswered();
			return { status: "unknown", error };
		}
		const doubted = line.refused();
		// With an earlier attempt in doubt, another number could store the batch twice: then it stays unknown.
		if (FORGOTTEN.has(error.errorCode) && !doubted) line.renew();
		return { status: doubted ? "unknown" : "failed", error };
	}
}

/** Whether core will send it again, so that nothing may go before it. */
function isRepeated(outcome: AppendOutcome): boolean {
	if (outcome.status === "ok") return false;
	const { code, retryable } = classify(outcome.error);
	return (
		outcome.status === "unknown" ||
		(retryable ?? !["MESSAGE_TOO_LARGE", "UNAUTHORIZED", "TOPIC_NOT_FOUND", "CONFIG_INVALID", "UNSUPPORTED", "UNKNOWN"].includes(code))
	);
}

// Finds each message's partition. Messages wait here until the topic's number of partitions is known.
import type { Topic } from "../api/topic.ts";
import type { Clock, Random } from "../clock.ts";
import { PolylogError } from "../errors.ts";
import { backoffMs } from "../patience.ts";
import { asPolylogError } from "./outgoing.ts";
import { KeylessSpread, partitionOfKey } from "./partitioner.ts";
import type { WrapError } from "./partition-queue.ts";
import type { Pending } from "./pending.ts";

/** How old the number of partitions may get while messages are sent. */
const REFRESH_MS = 30_000;
/** How often a doubt about it (a partition that is not there) may ask again. */
const DOUBT_MS = 1_000;

export interface PlacementParts {
	readonly topic: Pick<Topic<unknown>, "name" | "definition">;
	readonly clock: Clock;
	readonly random: Random;
	readonly wrap: WrapError;
	/** Makes the topic if it is missing; its number of partitions. */
	readonly ensureTopic: (make: boolean) => Promise<number>;
	readonly maxBatchRecords: number;
	readonly placed: (entry: Pending, index: number) => void;
	/** It never got a partition. */
	readonly refused: (entry: Pending, error: PolylogError) => void;
}

export class Placement {
	readonly spread: KeylessSpread;
	/** Why the number of partitions is not known yet, while messages wait for it. */
	lastError: PolylogError | undefined;
	readonly #parts: PlacementParts;
	#partitions: number | undefined;
	#askedAt = -Infinity;
	#asking = false;
	#waiting: Pending[] = [];
	#wake: (() => void) | undefined;

	constructor(parts: PlacementParts) {
		this.#parts = parts;
		this.spread = new KeylessSpread(parts.random, parts.maxBatchRecords);
	}

	place(entry: Pending, now: number): void {
		if (this.#partitions === undefined || now - this.#askedAt > REFRESH_MS) this.#ask();
		if (this.#partitions === undefined) this.#waiting.push(entry);
		else this.#assign(entry, this.#partitions);
	}

	/** The number of partitions may be another now. */
	doubt(): void {
		if (this.#parts.clock.now() - this.#askedAt > DOUBT_MS) this.#ask();
	}

	/** Gives up those that wait and are to be given up. */
	drop(which: (entry: Pending) => boolean, error: (entry: Pending) => PolylogError): void {
		const dropped = this.#waiting.filter(which);
		if (dropped.length === 0) return;
		this.#waiting = this.#waiting.filter((entry) => !which(entry));
		for (const entry of dropped) this.#parts.refused(entry, error(entry));
		if (this.#waiting.length === 0) this.#wake?.();
	}

	/** The earliest deadline of those that wait. */
	get deadline(): number | undefined {
		return this.#waiting[0]?.deadline;
	}

	#ask(): void {
		if (this.#asking) return;
		this.#asking = true;
		void this.#learn().finally(() => {
			this.#asking = false;
			this.#askedAt = this.#parts.clock.now();
		});
	}

	async #learn(): Promise<void> {
		const { ensureTopic, random, topic, wrap } = this.#parts;
		for (let failures = 1; ; failures++) {
			try {
				// Made at most once: a topic that is deleted under a producer stays deleted.
				this.#learned(await ensureTopic(this.#partitions === undefined));
				return;
			} catch (error) {
				this.lastError = wrap(error, `looking up topic ${topic.name}`, { topic: topic.name });
			}
			// With a number known, the old one serves on: the next refresh asks again.
			if (this.#partitions !== undefined) return;
			const { lastError } = this;
			if (!lastError.retryable)
				this.drop(
					() => true,
					() => lastError,
				);
			if (this.#waiting.length > 0) await this.#pause(backoffMs(failures, random));
			if (this.#waiting.length === 0) return;
		}
	}

	#pause(delayMs: number): Promise<void> {
		return new Promise((resolve) => {
			const cancel = this.#parts.clock.after(delayMs, () => this.#wake?.());
			this.#wake = () => {
				cancel();
				this.#wake = undefined;
				resolve();
			};
		});
	}

	#learned(partitions: number): void {
		this.#partitions = partitions;
		this.lastError = undefined;
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const entry of waiting) if (!entry.settled) this.#assign(entry, partitions);
	}

	#assign(entry: Pending, partitions: number): void {
		const { placed, refused, topic } = this.#parts;
		try {
			const index = this.#choose(entry, partitions);
			if (Number.isSafeInteger(index) && index >= 0 && index < partitions) return placed(entry, index);
			this.doubt();
			const message = `partition ${index} of topic ${topic.name} does not exist: it has ${partitions}, counted from 0`;
			refused(entry, new PolylogError("TOPIC_NOT_FOUND", message, { topic: topic.name, partition: index }));
		} catch (error) {
			refused(entry, asPolylogError(error, topic.name));
		}
	}

	#choose(entry: Pending, partitions: number): number {
		const { key } = entry.record;
		const { partitioner } = this.#parts.topic.definition;
		if (entry.partition !== undefined) return entry.partition;
		if (partitioner) return partitioner(key, partitions) ?? this.spread.next(partitions);
		return key === undefined ? this.spread.next(partitions) : partitionOfKey(key, partitions);
	}
}

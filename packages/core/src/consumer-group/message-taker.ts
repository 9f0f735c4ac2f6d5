// Who takes the member's messages (run, runBatches, an iterator): one at a time, each with its own settings.
import type { Message } from "../api/message.ts";
import type { DeliveryOptions, RunOptions } from "../api/run-options.ts";
import type { Bell } from "../bell.ts";
import { Delivery, type RunningHandler } from "../delivery/delivery.ts";
import { isPolylogError, type PolylogError } from "../errors.ts";
import type { Committer } from "./committer.ts";
import { failureOf, type MemberHooks } from "./member-hooks.ts";
import type { MemberParts } from "./member-parts.ts";
import { MessageIterator } from "./message-iterator.ts";
import type { PartitionLane } from "./partition-lane.ts";
import { Run } from "./run.ts";
import { type DeliverySettings, deliverySettings } from "./settings.ts";
import { Slots } from "./slots.ts";
import type { Watchdog } from "./watchdog.ts";
import type { WorkerParts } from "./worker.ts";

const CONCURRENCY = 16;

export interface MessageTakerParts<T> {
	readonly member: MemberParts<T>;
	/** Given to `join`: what holds unless a run says otherwise. */
	readonly defaults: DeliveryOptions;
	readonly bell: Bell;
	readonly hooks: MemberHooks<T>;
	readonly committer: Committer;
	readonly watchdog: Watchdog<RunningHandler>;
	readonly lanes: () => readonly PartitionLane[];
	/** Throws what ended the member, or says that it is closing. */
	readonly isClosing: () => boolean;
	readonly closed: () => Promise<void>;
	readonly fail: (error: PolylogError) => void;
	/** Resolves when the member ends. */
	readonly ended: Promise<void>;
}

export class MessageTaker<T> {
	readonly #parts: MessageTakerParts<T>;
	#occupied: string | undefined;
	#run: Run | undefined;
	#settings: DeliverySettings;

	constructor(parts: MessageTakerParts<T>) {
		this.#parts = parts;
		this.#settings = deliverySettings(parts.defaults);
	}

	/** Whether only the application commits. */
	get manual(): boolean {
		return this.#settings.commit === "manual";
	}

	/** A lane that may be worked from now on. */
	add(lane: PartitionLane): void {
		this.#run?.add(lane);
	}

	/** Works every lane until the signal aborts or the member ends; rejects with what killed the member. */
	async run(name: string, options: RunOptions, work: (parts: WorkerParts, delivery: Delivery<T>) => Promise<void>): Promise<void> {
		this.#occupy(name);
		const settings = deliverySettings(this.#parts.defaults, options);
		const { lanes, committer, fail } = this.#parts;
		const slots = new Slots(options.concurrency ?? CONCURRENCY);
		const stopping = new AbortController();
		const delivery = this.#deliver(settings, slots, stopping.signal);
		const stopCommitting = this.#commitAtIntervals(settings);
		const { clock } = this.#parts.member.backend;
		const run = new Run({
			clock,
			slots,
			stopping,
			work: (parts) => work(parts, delivery),
			onError: (error) => fail(failureOf(name, error)),
		});
		this.#run = run;
		for (const lane of lanes()) if (lane.state !== "preparing") run.add(lane);
		try {
			await this.#untilOver(options.signal);
			if (this.#parts.isClosing()) return;
			await run.stop();
			if (!this.manual) await this.#lastCommit(committer.flush(lanes()));
		} finally {
			stopCommitting();
			this.#run = undefined;
			this.#occupied = undefined;
		}
	}

	/** A partition that moved on is its new owner's affair. */
	async #lastCommit(committed: Promise<void>): Promise<void> {
		try {
			await committed;
		} catch (error) {
			if (!isPolylogError(error, "FENCED")) throw error;
		}
	}

	/** No new message is started; resolves when the running ones are done. */
	async stop(): Promise<void> {
		await this.#run?.stop();
	}

	iterate(): AsyncIterator<Message<T>> {
		this.#occupy("an iterator");
		const { member, bell, watchdog, lanes, isClosing, closed, defaults } = this.#parts;
		const settings = deliverySettings(defaults);
		const delivery = this.#deliver(settings, new Slots(1), new AbortController().signal);
		const stopCommitting = this.#commitAtIntervals(settings);
		const onEnd = () => {
			stopCommitting();
			this.#occupied = undefined;
			bell.ring();
		};
		return new MessageIterator<T>({ bell, clock: member.backend.clock, delivery, watchdog, lanes, isClosing, closed, onEnd });
	}

	#occupy(name: string): void {
		if (this.#parts.isClosing()) throw this.#parts.member.closed();
		if (this.#occupied)
			throw new TypeError(
				`the member's messages are taken by ${this.#occupied} already; use one of run, runBatches and for await at a time`,
			);
		this.#occupied = name;
	}

	#deliver(settings: DeliverySettings, slots: Slots, stopping: AbortSignal): Delivery<T> {
		this.#settings = settings;
		const { member, watchdog, hooks } = this.#parts;
		return new Delivery<T>({
			backend: member.backend,
			group: member.group,
			topic: member.topic,
			retry: settings.retry,
			onFailure: settings.onFailure,
			watchdog,
			slots,
			stopping,
			sink: {
				deadLetter: (topic, lane, record, error) => member.deadLetters.write(topic, lane.partition, record, error),
				stuck: (lane, error) => hooks.stuck(lane, error),
				report: (error) => hooks.report(error),
			},
		});
	}

	#commitAtIntervals(settings: DeliverySettings): () => void {
		const ended = new AbortController();
		const { committer, lanes, hooks } = this.#parts;
		if (settings.commit !== "manual")
			void committer.every(settings.commitIntervalMs, lanes, ended.signal, (error) => hooks.report(failureOf("committing", error)));
		return () => ended.abort(new Error("no longer taking messages"));
	}

	async #untilOver(signal: AbortSignal | undefined): Promise<void> {
		const aborted = Promise.withResolvers<void>();
		const onAbort = () => aborted.resolve();
		signal?.addEventListener("abort", onAbort, { once: true });
		if (signal?.aborted) aborted.resolve();
		try {
			await Promise.race([aborted.promise, this.#parts.ended]);
		} finally {
			signal?.removeEventListener("abort", onAbort);
		}
	}
}

// Short looks into streams: where they begin and end, and what stands at an offset.
//
// AMQP has no question for any of it, and counts are seconds old. But a consumer is given at once what there is, and there
// is a way to know that it was (stream-fence.ts): silence until then means that there is nothing.
import { type Clock, type RawRecord, untilAborted } from "@polylog/core/driver";
import type { Channel, ConsumeMessage } from "amqplib";
import { ChannelConsumers } from "./channel-consumers.ts";
import type { Connection } from "./connection.ts";
import { isMissing } from "./errors.ts";
import type { Link } from "./link.ts";
import { offsetOf, toRecord } from "./message-mapping.ts";
import type { Settings } from "./options.ts";
import { firstOrNothing } from "./stream-fence.ts";
import { onceStarted, within } from "./waiting.ts";

/** Looks of each kind at the same time. */
const CHANNELS = 16;
/** A chunk may hold more; then it comes in several parts. */
const CHUNK_PREFETCH = 1000;

/** What is retained: offsets of the first record, and above the last one. Both 0 where nothing ever was. */
export interface StreamRange {
	readonly earliest: bigint;
	readonly end: bigint;
}

interface LookOptions {
	readonly signal?: AbortSignal;
	/** Only on that connection of the link. */
	readonly generation?: number;
}

export class Probe {
	readonly #link: Link;
	readonly #clock: Clock;
	readonly #settings: Settings;
	/** Prefetch is a channel's, so each kind of look has its own channels and sets it once. */
	readonly #single = lanes(1);
	readonly #chunks = lanes(CHUNK_PREFETCH);
	readonly #others = lanes(undefined);
	/** Looks that have not begun, for whoever asks meanwhile. */
	readonly #coming = new Map<string, Promise<ConsumeMessage[] | undefined>>();

	constructor(link: Link, clock: Clock, settings: Settings) {
		this.#link = link;
		this.#clock = clock;
		this.#settings = settings;
	}

	/** `undefined` if there is no such queue. */
	async range(queue: string, signal?: AbortSignal): Promise<StreamRange | undefined> {
		const [earliest = 0n, end] = await Promise.all([this.earliest(queue, signal), this.end(queue, signal)]);
		return earliest === "missing" ? undefined : { earliest, end };
	}

	/** The offset of the first retained record, `undefined` if there is none; `"missing"` if there is no such queue. */
	async earliest(queue: string, signal?: AbortSignal): Promise<bigint | undefined | "missing"> {
		const messages = await untilAborted(this.#edge(queue, "first"), signal);
		const first = messages?.[0];
		return messages ? first && offsetOf(first) : "missing";
	}

	/** The offset above the last record; 0 where nothing is. */
	async end(queue: string, signal?: AbortSignal): Promise<bigint> {
		const last = (await untilAborted(this.#edge(queue, "last"), signal))?.at(-1);
		return last ? offsetOf(last) + 1n : 0n;
	}

	/** The first record at or above `offset`, if there is one now. */
	async recordAt(queue: string, offset: bigint, options: LookOptions = {}): Promise<RawRecord | undefined> {
		const messages = await this.#look(this.#single, queue, (consumers) => peek(consumers, queue, Number(offset), this.#clock), options);
		return messages?.map(toRecord).find((record) => record.offset >= offset);
	}

	/** As `earliest`, on one connection. */
	async earliestOn(queue: string, options: LookOptions): Promise<bigint | undefined> {
		const first = (await this.#look(this.#single, queue, (consumers) => peek(consumers, queue, "first", this.#clock), options))?.[0];
		return first && offsetOf(first);
	}

	/** Callers at the same time share one look, which begins after they asked. */
	#edge(queue: string, edge: "first" | "last"): Promise<ConsumeMessage[] | undefined> {
		const key = `${edge} ${queue}`;
		const coming = this.#coming.get(key);
		if (coming) return coming;
		const work = (consumers: ChannelConsumers) => {
			this.#coming.delete(key);
			return edge === "first" ? peek(consumers, queue, "first", this.#clock) : peekLast(consumers, queue, this.#clock);
		};
		const look = this.#look(edge === "first" ? this.#single : this.#chunks, queue, work, {}).finally(() => {
			if (this.#coming.get(key) === look) this.#coming.delete(key);
		});
		this.#coming.set(key, look);
		return look;
	}

	/** `undefined` if there is no such queue. */
	async #look<T>(
		kind: readonly Lane[],
		queue: string,
		work: (consumers: ChannelConsumers) => Promise<T>,
		options: LookOptions,
	): Promise<T | undefined> {
		try {
			return await onceStarted(this.#clock, () => this.#run(kind, `looking into the queue "${queue}"`, work, options), options.signal);
		} catch (error) {
			if (isMissing(error)) return undefined;
			throw error;
		}
	}

	/** Runs `work`, which is no look, on a channel that nobody else uses meanwhile. */
	ask<T>(what: string, work: (channel: Channel) => Promise<T>, options: LookOptions = {}): Promise<T> {
		return this.#run(this.#others, what, ({ channel }) => work(channel), options);
	}

	async #run<T>(kind: readonly Lane[], what: string, work: (consumers: ChannelConsumers) => Promise<T>, options: LookOptions): Promise<T> {
		options.signal?.throwIfAborted();
		const lane = kind.reduce((least, each) => (each.waiting < least.waiting ? each : least));
		const run = lane.run(async () => {
			options.signal?.throwIfAborted();
			const connection = this.#link.require(options.generation);
			const ms = this.#settings.setupTimeoutMs;
			try {
				const attempt = lane.channel(connection).then(work);
				return await within(this.#clock, ms, `${what} on ${connection.host}`, untilAborted(attempt, connection.lost));
			} catch (error) {
				const failure = lane.failure;
				// Whatever went wrong, the next one gets a channel without a past.
				lane.drop();
				throw connection.lost.aborted ? connection.lost.reason : (failure ?? error);
			}
		});
		return await untilAborted(run, options.signal);
	}
}

interface OpenChannel {
	readonly connection: Connection;
	readonly consumers: ChannelConsumers;
	closed: boolean;
	error: unknown;
}

/** One channel, and who waits for it. */
class Lane {
	waiting = 0;
	readonly #prefetch: number | undefined;
	#last: Promise<unknown> = Promise.resolve();
	#channel: OpenChannel | undefined;

	constructor(prefetch: number | undefined) {
		this.#prefetch = prefetch;
	}

	async run<T>(work: () => Promise<T>): Promise<T> {
		this.waiting++;
		const turn = this.#last.then(work);
		this.#last = turn.catch(() => {});
		return await turn.finally(() => this.waiting--);
	}

	async channel(connection: Connection): Promise<ChannelConsumers> {
		const known = this.#channel;
		if (known && !known.closed && known.connection === connection) return known.consumers;
		const channel = await connection.model.createChannel();
		const opened: OpenChannel = { connection, consumers: new ChannelConsumers(channel), closed: false, error: undefined };
		channel.on("error", (error: unknown) => (opened.error = error));
		channel.on("close", () => (opened.closed = true));
		this.#channel = opened;
		if (this.#prefetch !== undefined) await channel.prefetch(this.#prefetch);
		return opened.consumers;
	}

	/** Why the broker closed the channel: its calls may have heard only that it ended. */
	get failure(): unknown {
		return this.#channel?.error;
	}

	drop(): void {
		const known = this.#channel;
		this.#channel = undefined;
		if (!known || known.closed) return;
		try {
			known.consumers.channel.close().catch(() => {});
		} catch {
			// It is closing already.
		}
	}
}

/** What a new consumer is given at once. */
async function peek(consumers: ChannelConsumers, queue: string, from: "first" | "last" | number, clock: Clock): Promise<ConsumeMessage[]> {
	const messages: ConsumeMessage[] = [];
	const { promise: first, resolve: arrived } = Promise.withResolvers<void>();
	const consumer = await consumers.consume(queue, from, (message) => {
		if (!message) return;
		messages.push(message);
		arrived();
	});
	await firstOrNothing(consumers, queue, first, clock);
	// Answered after all that is handed out together with the first.
	await consumers.cancel(consumer);
	// Refuses what is not a stream before anything of it is acknowledged.
	for (const message of messages) offsetOf(message);
	if (messages.length > 0) consumers.channel.ackAll();
	return messages;
}

/** The last chunk, to its end. */
async function peekLast(consumers: ChannelConsumers, queue: string, clock: Clock): Promise<ConsumeMessage[]> {
	let messages = await peek(consumers, queue, "last", clock);
	while (messages.length >= CHUNK_PREFETCH) {
		const last = messages.at(-1);
		const more = last ? await peek(consumers, queue, Number(offsetOf(last)) + 1, clock) : [];
		if (more.length === 0) break;
		messages = more;
	}
	return messages;
}

function lanes(prefetch: number | undefined): Lane[] {
	return Array.from({ length: CHANNELS }, () => new Lane(prefetch));
}

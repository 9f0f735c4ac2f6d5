// Short looks into streams: where they begin and end, and what stands at an offset.
//
// AMQP has no question for any of it, and counts are seconds old. But a node hands a new consumer what it has before it
// answers the next request on the channel: so silence until that answer means that there is nothing.
import { type Clock, type RawRecord } from "@polylog/core/driver";
import type { Channel, ConsumeMessage } from "amqplib";
import type { Connection } from "./connection.ts";
import { isMissing } from "./errors.ts";
import type { Link } from "./link.ts";
import { offsetOf, toRecord } from "./message-mapping.ts";
import type { Settings } from "./options.ts";
import { onceStarted, untilAborted, within } from "./waiting.ts";

/** Looks at the same time. */
const CHANNELS = 6;
/** A chunk may hold more; then it comes in several parts. */
const CHUNK_PREFETCH = 1000;

/** What is retained: offsets of the first record, and above the last one. Both 0 where nothing ever was. */
export interface StreamRange {
	readonly earliest: bigint;
	readonly end: bigint;
}

export class Probe {
	readonly #link: Link;
	readonly #clock: Clock;
	readonly #settings: Settings;
	readonly #lanes: Lane[] = Array.from({ length: CHANNELS }, () => new Lane());

	constructor(link: Link, clock: Clock, settings: Settings) {
		this.#link = link;
		this.#clock = clock;
		this.#settings = settings;
	}

	/** `undefined` if there is no such queue. */
	async range(queue: string, signal?: AbortSignal): Promise<StreamRange | undefined> {
		return await this.#look(queue, signal, async (channel) => {
			const first = await peek(channel, queue, "first", 1);
			if (first.length === 0) return { earliest: 0n, end: 0n };
			const last = (await peek(channel, queue, "last", CHUNK_PREFETCH)).at(-1) ?? first.at(-1);
			return { earliest: offsetOf(first[0] ?? fail()), end: offsetOf(last ?? fail()) + 1n };
		});
	}

	/** The offset of the first retained record; `undefined` if there is none. */
	async earliest(queue: string, signal?: AbortSignal): Promise<bigint | undefined> {
		return await this.#look(queue, signal, async (channel) => {
			const [first] = await peek(channel, queue, "first", 1);
			return first && offsetOf(first);
		});
	}

	/** The first record at or above `offset`, if there is one now. With `generation`, only on that connection of the link. */
	async recordAt(queue: string, offset: bigint, options: { readonly signal?: AbortSignal; readonly generation?: number } = {}): Promise<RawRecord | undefined> {
		return await this.#look(
			queue,
			options.signal,
			async (channel) => {
				const messages = await peek(channel, queue, Number(offset), 1);
				return messages.map(toRecord).find((record) => record.offset >= offset);
			},
			options.generation,
		);
	}

	/** Any call that may close its channel; `undefined` if there is no such queue. */
	async #look<T>(queue: string, signal: AbortSignal | undefined, work: (channel: Channel) => Promise<T>, generation?: number): Promise<T | undefined> {
		try {
			const options = { ...(signal ? { signal } : {}), ...(generation === undefined ? {} : { generation }) };
			return await onceStarted(this.#clock, () => this.ask(`looking into the queue "${queue}"`, work, options), signal);
		} catch (error) {
			if (isMissing(error)) return undefined;
			throw error;
		}
	}

	/** Runs `work` on a channel that nobody else uses meanwhile. */
	async ask<T>(what: string, work: (channel: Channel) => Promise<T>, options: { readonly signal?: AbortSignal; readonly generation?: number } = {}): Promise<T> {
		options.signal?.throwIfAborted();
		const lane = this.#lanes.reduce((least, each) => (each.waiting < least.waiting ? each : least));
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
	readonly channel: Channel;
	closed: boolean;
	error: unknown;
}

/** One channel, and who waits for it. */
class Lane {
	waiting = 0;
	#last: Promise<unknown> = Promise.resolve();
	#channel: OpenChannel | undefined;

	async run<T>(work: () => Promise<T>): Promise<T> {
		this.waiting++;
		const turn = this.#last.then(work);
		this.#last = turn.catch(() => {});
		return await turn.finally(() => this.waiting--);
	}

	async channel(connection: Connection): Promise<Channel> {
		const known = this.#channel;
		if (known && !known.closed && known.connection === connection) return known.channel;
		const channel = await connection.model.createChannel();
		const opened: OpenChannel = { connection, channel, closed: false, error: undefined };
		channel.on("error", (error: unknown) => (opened.error = error));
		channel.on("close", () => (opened.closed = true));
		this.#channel = opened;
		return channel;
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
			known.channel.close().catch(() => {});
		} catch {
			// It is closing already.
		}
	}
}

/** What a new consumer is given at once. */
async function peek(channel: Channel, queue: string, from: "first" | "last" | number, prefetch: number): Promise<ConsumeMessage[]> {
	const messages: ConsumeMessage[] = [];
	const limited = channel.prefetch(prefetch);
	const consuming = channel.consume(queue, (message) => message && messages.push(message), { arguments: { "x-stream-offset": from } });
	const [, { consumerTag }] = await Promise.all([limited, consuming, channel.prefetch(prefetch)]);
	for (let before = 0; prefetch > 1 && messages.length - before >= prefetch; ) {
		before = messages.length;
		channel.ackAll();
		await channel.prefetch(prefetch);
	}
	await channel.cancel(consumerTag);
	for (const message of messages) offsetOf(message);
	if (messages.length > 0) channel.ackAll();
	return messages;
}

function fail(): never {
	throw new TypeError("a look into a stream lost its message");
}

// Appends batches, and says what became of them.
import {
	type AppendOutcome,
	type Clock,
	type OutgoingRecord,
	type Partition,
	partitionKey,
	PolylogError,
	type ProducerIdentity,
	untilAborted,
} from "@polylog/core/driver";
import type { Connection } from "./connection.ts";
import type { Link } from "./link.ts";
import { type AmqpMessage, toMessage } from "./message-mapping.ts";
import type { Settings } from "./options.ts";
import { type Batch, PublishChannel } from "./publish-channel.ts";
import { partitionQueue } from "./topology.ts";

/** A channel is one process of the broker. On two quiet cores four of them published 0.83 of what amqplib alone does, one 0.76. */
const CHANNELS = 4;
/** After this long in a blocked connection an append says so; its records stay on their way. */
const BLOCKED_GRACE_MS = 1000;
/** Message ids are short strings of AMQP. */
const MAX_ID_BYTES = 200;
const MAX_ABANDONED = 1000;

export interface AppenderContext {
	readonly link: Link;
	readonly clock: Clock;
	readonly settings: Settings;
	/** Whether the topic exists, asked anew: a node that returns everything may be asked about its queues in vain. */
	topicExists(topic: string): Promise<boolean>;
}

interface UnderWay {
	readonly batch: Batch;
	readonly connection: Connection;
}

export class Appender {
	readonly #context: AppenderContext;
	#channels = new Map<number, Promise<PublishChannel>>();
	#channelsOf: Connection | undefined;
	/** Queues that took a message on this connection. The first one goes alone: nothing is pipelined behind a return. */
	readonly #proven = new Set<string>();
	/** Batches that were not settled when their append gave up, by producer and sequence: not to be sent twice on one connection. */
	readonly #underWay = new Map<string, UnderWay>();

	constructor(context: AppenderContext) {
		this.#context = context;
	}

	async append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]> {
		signal?.throwIfAborted();
		const outcomes: AppendOutcome[] = Array.from({ length: records.length });
		const messages: AmqpMessage[] = [];
		const places: number[] = [];
		for (const [at, record] of records.entries()) {
			try {
				messages.push(toMessage(record, messageId(producer, at)));
				places.push(at);
			} catch (error) {
				outcomes[at] = { status: "failed", error };
			}
		}
		const told =
			messages.length === 0
				? []
				: await this.#deliver(
						partition,
						messages,
						`${producer.id} ${producer.epoch} ${producer.sequence} ${partitionKey(partition)}`,
						signal,
					);
		for (const [i, at] of places.entries()) outcomes[at] = told[i] ?? { status: "unknown", error: new Error("no outcome") };
		return outcomes;
	}

	/** What becomes of a batch whose fate is not settled with its connection is `unknown`. */
	async #deliver(
		partition: Partition,
		messages: readonly AmqpMessage[],
		key: string,
		signal: AbortSignal | undefined,
	): Promise<AppendOutcome[]> {
		const queue = partitionQueue(partition);
		const known = this.#underWay.get(key);
		if (known?.batch.messages.length === messages.length) return await this.#await(partition, known, key, signal);
		const connection = this.#ready();
		if (connection instanceof PolylogError) return messages.map(() => ({ status: "failed", error: connection }));
		let channel: PublishChannel;
		try {
			channel = await untilAborted(this.#channel(connection, partition), signal);
		} catch (error) {
			signal?.throwIfAborted();
			return messages.map(() => ({ status: "failed", error }));
		}
		if (this.#proven.has(queue)) return await this.#send(partition, channel, messages, key, signal);
		const [first] = await this.#send(partition, channel, messages.slice(0, 1), `${key} first`, signal);
		if (first?.status === "ok") this.#proven.add(queue);
		const rest = messages.slice(1);
		if (!first || rest.length === 0) return first ? [first] : [];
		if (first.status !== "ok") return [first, ...rest.map((): AppendOutcome => ({ status: "failed", error: first.error }))];
		return [first, ...(await this.#send(partition, channel, rest, key, signal))];
	}

	/** Nothing is sent where it would only wait; and nothing is stored that was not sent. */
	#ready(): Connection | PolylogError {
		try {
			const connection = this.#context.link.require();
			return connection.blocked === undefined ? connection : blockedError(connection);
		} catch (error) {
			if (error instanceof PolylogError) return error;
			throw error;
		}
	}

	async #send(
		partition: Partition,
		channel: PublishChannel,
		messages: readonly AmqpMessage[],
		key: string,
		signal: AbortSignal | undefined,
	): Promise<AppendOutcome[]> {
		let batch: Batch;
		try {
			batch = channel.publish(partitionQueue(partition), messages);
		} catch (error) {
			return messages.map(() => ({ status: "failed", error }));
		}
		return await this.#await(partition, { batch, connection: channel.connection }, key, signal);
	}

	async #await(partition: Partition, underWay: UnderWay, key: string, signal: AbortSignal | undefined): Promise<AppendOutcome[]> {
		const { batch, connection } = underWay;
		this.#underWay.delete(key);
		try {
			await untilAborted(this.#patiently(underWay), signal);
		} catch (error) {
			if (!connection.lost.aborted) this.#abandon(key, underWay);
			if (!connection.lost.aborted) signal?.throwIfAborted();
			return batch.fates.map((fate) => (fate === "stored" && !batch.open ? { status: "ok" } : { status: "unknown", error }));
		}
		if (batch.fates.every((fate) => fate === "stored")) return batch.fates.map(() => ({ status: "ok" }));
		const error = await this.#whyNot(partition, underWay);
		return batch.fates.map((fate): AppendOutcome =>
			fate === "stored" ? { status: "ok" } : { status: fate === "returned" ? "failed" : "unknown", error },
		);
	}

	/** What becomes of it is kept for whoever appends the same again. */
	#abandon(key: string, underWay: UnderWay): void {
		this.#underWay.set(key, underWay);
		const [oldest] = this.#underWay.keys();
		if (oldest !== undefined && this.#underWay.size > MAX_ABANDONED) this.#underWay.delete(oldest);
		underWay.batch.settled.catch(() => this.#underWay.get(key) === underWay && this.#underWay.delete(key));
	}

	/** Until the batch is settled. A silent connection is left; a blocked one is kept, since what it holds will be read. */
	#patiently({ batch, connection }: UnderWay): Promise<void> {
		const { clock, link, settings } = this.#context;
		return new Promise((resolve, reject) => {
			let cancelBlocked = () => {};
			const cancel = clock.after(settings.confirmTimeoutMs, () => {
				if (connection.blocked !== undefined) return;
				const error = new PolylogError("TIMEOUT", `${connection.host} did not confirm within ${settings.confirmTimeoutMs} ms`);
				link.leave(connection, error);
				reject(error);
			});
			const look = () => {
				if (connection.blocked !== undefined) reject(blockedError(connection));
				else cancelBlocked = clock.after(BLOCKED_GRACE_MS, look);
			};
			cancelBlocked = clock.after(BLOCKED_GRACE_MS, look);
			batch.settled.then(resolve, reject).finally(() => {
				cancel();
				cancelBlocked();
			});
		});
	}

	/** Returned records: the topic is gone, or the node is not fit. Then it is left, once what is under way is settled. */
	async #whyNot(partition: Partition, { connection }: UnderWay): Promise<unknown> {
		const { topic, index } = partition;
		this.#proven.delete(partitionQueue(partition));
		const exists = await this.#context.topicExists(topic).catch(() => true);
		if (!exists) return new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(partition)} does not exist`, { topic, partition: index });
		const error = new PolylogError(
			"UNAVAILABLE",
			`${connection.host} knows no queue for ${partitionKey(partition)}: it is starting, or was cut off from its cluster`,
			{ topic, partition: index },
		);
		const channels = this.#channelsOf === connection ? [...this.#channels.values()] : [];
		this.#channelsOf = undefined;
		await Promise.allSettled(channels.map(async (channel) => (await channel).drained()));
		this.#context.link.leave(connection, error);
		return error;
	}

	#channel(connection: Connection, { topic, index }: Partition): Promise<PublishChannel> {
		if (this.#channelsOf !== connection) {
			this.#channelsOf = connection;
			this.#channels = new Map();
			this.#proven.clear();
		}
		const at = (index + topic.length) % CHANNELS;
		const known = this.#channels.get(at);
		if (!known) return this.#openChannel(connection, at);
		return known.then((channel) => (channel.closed ? this.#reopen(connection, at, known) : channel));
	}

	#reopen(connection: Connection, at: number, closed: Promise<PublishChannel>): Promise<PublishChannel> {
		const now = this.#channels.get(at);
		return now && now !== closed ? now : this.#openChannel(connection, at);
	}

	#openChannel(connection: Connection, at: number): Promise<PublishChannel> {
		const { clock, settings } = this.#context;
		const opening = PublishChannel.open(connection, clock, settings.setupTimeoutMs);
		this.#channels.set(at, opening);
		opening.catch(() => {
			if (this.#channels.get(at) === opening) this.#channels.delete(at);
		});
		return opening;
	}
}

function messageId({ id, epoch, sequence }: ProducerIdentity, at: number): string {
	return `${id.slice(0, MAX_ID_BYTES)}:${epoch}:${sequence + at}`;
}

function blockedError(connection: Connection): PolylogError {
	return new PolylogError("BACKPRESSURE", `${connection.host} takes no more records for now: ${connection.blocked ?? "memory or disk"}`);
}

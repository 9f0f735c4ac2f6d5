// Records on their way to the broker over one channel, and what became of each.
//
// A message that no queue takes is returned and then *acknowledged*: a node that boots, or was cut off for too long, does
// that to everything. So every message is mandatory, and a return turns the acknowledgement that follows into a failure.
import { type Clock, untilAborted } from "@polylog/core/driver";
import { PolylogError } from "@polylog/core/driver";
import type { ConfirmChannel, Message } from "amqplib";
import type { Connection } from "./connection.ts";
import type { AmqpMessage } from "./message-mapping.ts";
import { within } from "./waiting.ts";

export type Fate = "pending" | "stored" | "returned" | "refused";

/** Messages that were published together. */
export class Batch {
	readonly fates: Fate[];
	readonly messages: readonly AmqpMessage[];
	/** Resolves when each has its fate; rejects when the channel is gone before that. */
	readonly settled: Promise<void>;
	readonly firstTag: number;
	readonly #resolve: () => void;
	readonly #reject: (error: unknown) => void;
	#pending: number;

	constructor(messages: readonly AmqpMessage[], firstTag: number) {
		this.messages = messages;
		this.firstTag = firstTag;
		this.fates = messages.map(() => "pending");
		this.#pending = messages.length;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		promise.catch(() => {});
		this.settled = promise;
		this.#resolve = resolve;
		this.#reject = reject;
	}

	get lastTag(): number {
		return this.firstTag + this.fates.length - 1;
	}

	get open(): boolean {
		return this.#pending > 0;
	}

	confirm(tag: number, fate: "stored" | "refused"): void {
		const at = tag - this.firstTag;
		const before = this.fates[at];
		if (before === "pending") this.fates[at] = fate;
		if (before === undefined || --this.#pending > 0) return;
		this.#resolve();
	}

	fail(error: unknown): void {
		this.#reject(error);
	}
}

export class PublishChannel {
	readonly connection: Connection;
	readonly #channel: ConfirmChannel;
	readonly #batches: Batch[] = [];
	/** Tags above `#confirmedUpTo` that were confirmed out of turn. */
	readonly #ahead = new Set<number>();
	#confirmedUpTo = 0;
	#nextTag = 1;
	#error: unknown;
	#closed = false;

	private constructor(connection: Connection, channel: ConfirmChannel) {
		this.connection = connection;
		this.#channel = channel;
		channel.on("error", (error: unknown) => (this.#error = error));
		channel.on("close", () => this.#fail(this.#error));
		connection.lost.addEventListener("abort", () => this.#fail(connection.lost.reason), { once: true });
		channel.on("ack", ({ deliveryTag, multiple }) => this.#confirmed(deliveryTag, multiple, "stored"));
		channel.on("nack", ({ deliveryTag, multiple }) => this.#confirmed(deliveryTag, multiple, "refused"));
		channel.on("return", (message: Message) => this.#returned(message));
	}

	static async open(connection: Connection, clock: Clock, timeoutMs: number): Promise<PublishChannel> {
		connection.lost.throwIfAborted();
		const opening = untilAborted(connection.model.createConfirmChannel(), connection.lost);
		return new PublishChannel(connection, await within(clock, timeoutMs, `opening a channel on ${connection.host}`, opening));
	}

	get closed(): boolean {
		return this.#closed;
	}

	/** Sends at once. Throws only if nothing was sent. */
	publish(queue: string, messages: readonly AmqpMessage[]): Batch {
		if (this.#closed) throw new PolylogError("CONNECTION_LOST", "the channel is closed", { cause: this.#error });
		const batch = new Batch(messages, this.#nextTag);
		this.#batches.push(batch);
		let sent = 0;
		try {
			for (const { content, options } of messages) {
				this.#channel.publish("", queue, content, options);
				sent++;
			}
			this.#nextTag += sent;
		} catch (error) {
			if (sent === 0) {
				this.#batches.pop();
				throw error;
			}
			// Half a batch is on its way and the rest can never be: only a new channel counts right again.
			this.#fail(error);
			this.#channel.close().catch(() => {});
		}
		return batch;
	}

	/** Resolves when nothing is under way, or the channel is gone. */
	async drained(): Promise<void> {
		await Promise.allSettled(this.#batches.map(({ settled }) => settled));
	}

	#confirmed(tag: number, multiple: boolean, fate: "stored" | "refused"): void {
		for (let each = multiple ? this.#confirmedUpTo + 1 : tag; each <= tag; each++) {
			if (!this.#ahead.has(each)) this.#batchOf(each)?.confirm(each, fate);
			this.#ahead.add(each);
		}
		while (this.#ahead.delete(this.#confirmedUpTo + 1)) this.#confirmedUpTo++;
		while (this.#batches[0] && this.#batches[0].lastTag <= this.#confirmedUpTo) this.#batches.shift();
	}

	/** Nearly always the first. */
	#batchOf(tag: number): Batch | undefined {
		return this.#batches.find(({ lastTag }) => tag <= lastTag);
	}

	/** Returns come in the order of publishing, each before its acknowledgement. */
	#returned({ properties }: Message): void {
		for (const { messages, fates } of this.#batches) {
			const at = messages.findIndex(({ options }, i) => fates[i] === "pending" && options.messageId === properties.messageId);
			if (at < 0) continue;
			fates[at] = "returned";
			return;
		}
	}

	#fail(error: unknown): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#error = error ?? new PolylogError("CONNECTION_LOST", "the channel was closed");
		for (const batch of this.#batches.splice(0)) batch.fail(this.#error);
	}
}

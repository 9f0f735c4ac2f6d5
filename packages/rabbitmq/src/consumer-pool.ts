// Consumers of streams, many to a channel once there are many: a thousand readers on one connection.
//
// Prefetch is each consumer's own, and acknowledging only means "send more". A consumer that is not wanted for a while is
// cancelled, never left unacknowledged: the broker ends channels that owe acknowledgements for too long.
import { type Clock, PolylogError, untilAborted } from "@polylog/core/driver";
import type { Channel, ConsumeMessage } from "amqplib";
import { ChannelConsumers } from "./channel-consumers.ts";
import type { Connection } from "./connection.ts";
import { classify } from "./errors.ts";
import type { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import { firstOrNothing } from "./stream-fence.ts";
import { within } from "./waiting.ts";

/** Up to here each consumer has a channel of its own, and nobody suffers from another one's error. */
const CHANNELS = 100;
/** In a row; then the next host is tried. */
const REFUSALS = 5;

export interface ConsumeRequest {
	readonly queue: string;
	readonly from: number | "first" | "last";
	readonly prefetch: number;
	/** On a fresh channel, which an error may close. */
	readonly alone?: boolean;
	onMessage(message: ConsumeMessage): void;
	/** No more will come. */
	onEnd(reason: unknown): void;
}

export interface PoolContext {
	readonly link: Link;
	readonly clock: Clock;
	readonly settings: Settings;
}

export class ConsumerPool {
	readonly #context: PoolContext;
	#channels: SharedChannel[] = [];
	readonly #opening = new Set<Promise<SharedChannel>>();
	#refusals = 0;

	constructor(context: PoolContext) {
		this.#context = context;
	}

	get link(): Link {
		return this.#context.link;
	}

	/** When it resolves and nothing has been handed to `onMessage`, the stream has nothing for the consumer. */
	async consume(request: ConsumeRequest, signal?: AbortSignal): Promise<Subscription> {
		const { link, clock, settings } = this.#context;
		const connection = link.require();
		const subscription = await this.#claim(connection, request);
		const what = `reading the queue "${request.queue}" on ${connection.host}`;
		try {
			await untilAborted(within(clock, settings.setupTimeoutMs, what, untilAborted(subscription.start(clock), connection.lost)), signal);
		} catch (error) {
			subscription.end();
			if (error instanceof PolylogError && error.code === "TIMEOUT") link.leave(connection, error);
			this.#refused(connection, error);
			signal?.throwIfAborted();
			throw connection.lost.aborted ? connection.lost.reason : (subscription.error ?? error);
		}
		this.#refusals = 0;
		return subscription;
	}

	/** A node without a running replica of its own: another one may have it. */
	#refused(connection: Connection, error: unknown): void {
		if (classify(error).code !== "UNAVAILABLE" || ++this.#refusals < REFUSALS || this.#context.settings.hosts.length < 2) return;
		this.#refusals = 0;
		this.#context.link.leave(connection, error);
	}

	async #claim(connection: Connection, request: ConsumeRequest): Promise<Subscription> {
		this.#channels = this.#channels.filter((channel) => !channel.closed && channel.connection === connection);
		const free = this.#channels.find(({ subscriptions }) => subscriptions.size === 0);
		if (free) return new Subscription(free, request);
		if (request.alone || this.#channels.length + this.#opening.size < CHANNELS)
			return new Subscription(await this.#open(connection), request);
		await Promise.allSettled(this.#opening);
		if (!this.#channels.some((channel) => !channel.closed && channel.connection === connection))
			return new Subscription(await this.#open(connection), request);
		return new Subscription(
			this.#channels.reduce((least, channel) => (channel.subscriptions.size < least.subscriptions.size ? channel : least)),
			request,
		);
	}

	async #open(connection: Connection): Promise<SharedChannel> {
		const { clock, settings } = this.#context;
		const opening = within(
			clock,
			settings.setupTimeoutMs,
			`opening a channel on ${connection.host}`,
			untilAborted(connection.model.createChannel(), connection.lost),
		).then((channel) => {
			const shared = new SharedChannel(connection, channel);
			this.#channels.push(shared);
			return shared;
		});
		this.#opening.add(opening);
		try {
			return await opening;
		} finally {
			this.#opening.delete(opening);
		}
	}
}

class SharedChannel {
	readonly connection: Connection;
	readonly channel: Channel;
	readonly consumers: ChannelConsumers;
	readonly subscriptions = new Set<Subscription>();
	closed = false;
	/** Of consumers that are made now. */
	prefetch: number | undefined;

	constructor(connection: Connection, channel: Channel) {
		this.connection = connection;
		this.channel = channel;
		this.consumers = new ChannelConsumers(channel);
		let why = "";
		channel.on("error", (error: unknown) => {
			why = `: ${String(error)}`;
			// Some of its calls hear only that the channel ended.
			const [only, another] = this.subscriptions;
			if (only && !another) only.error ??= error;
		});
		// One consumer's error is not the others': to them the channel just broke. Whose it was hears it from its own call.
		channel.on("close", () => this.#close(new PolylogError("CONNECTION_LOST", `the channel was closed${why}`)));
		connection.lost.addEventListener("abort", () => this.#close(connection.lost.reason), { once: true });
	}

	#close(reason: unknown): void {
		if (this.closed) return;
		this.closed = true;
		for (const subscription of this.subscriptions) subscription.ended(reason);
	}

	/** One acknowledgement for many where no other consumer of the channel has older messages. */
	acknowledge(subscription: Subscription, tags: readonly number[]): void {
		const last = tags.at(-1);
		if (last === undefined || this.closed) return;
		let alone = true;
		for (const other of this.subscriptions) alone &&= other === subscription || other.oldest > last;
		try {
			if (alone) this.channel.ack(tagged(last), true);
			else for (const tag of tags) this.channel.ack(tagged(tag));
		} catch {
			// The channel is closing: its messages come again to whoever consumes next.
		}
	}
}

export class Subscription {
	readonly #shared: SharedChannel;
	readonly #request: ConsumeRequest;
	#tag: string | undefined;
	#unacknowledged: number[] = [];
	#over = false;
	readonly #first = Promise.withResolvers<void>();
	/** Found out about the queue itself. */
	error: unknown;

	constructor(shared: SharedChannel, request: ConsumeRequest) {
		this.#shared = shared;
		this.#request = request;
		shared.subscriptions.add(this);
	}

	get over(): boolean {
		return this.#over;
	}

	get connection(): Connection {
		return this.#shared.connection;
	}

	/** The oldest message that is not acknowledged. */
	get oldest(): number {
		return this.#unacknowledged[0] ?? Number.POSITIVE_INFINITY;
	}

	async start(clock: Clock): Promise<void> {
		const { channel, consumers } = this.#shared;
		const { queue, from, prefetch } = this.#request;
		// Sent in this order; prefetch counts for consumers made after it.
		const limited = this.#shared.prefetch === prefetch ? undefined : channel.prefetch(prefetch);
		this.#shared.prefetch = prefetch;
		const consuming = consumers.consume(queue, from, (message) => this.#receive(message));
		[, this.#tag] = await Promise.all([limited, consuming]);
		if (!this.#over) await firstOrNothing(consumers, queue, this.#first.promise, clock);
		if (this.#over) this.#cancel();
	}

	/** Lets the broker send as many more. */
	release(count: number): void {
		const tags = this.#unacknowledged.splice(0, count);
		this.#shared.acknowledge(this, tags);
	}

	/** Stops it; what was received stays received. Idempotent. */
	end(): void {
		if (this.#over) return;
		this.#over = true;
		this.release(this.#unacknowledged.length);
		this.#cancel();
	}

	/** The channel is gone. */
	ended(reason: unknown): void {
		this.#shared.subscriptions.delete(this);
		if (this.#over) return;
		this.#over = true;
		this.release(this.#unacknowledged.length);
		this.#request.onEnd(reason);
	}

	#cancel(): void {
		const forget = () => this.#shared.subscriptions.delete(this);
		if (this.#tag === undefined) {
			// Not begun yet, or never: `start` cancels it if it does begin.
			if (this.#shared.closed) forget();
			return;
		}
		try {
			this.#shared.consumers.cancel(this.#tag).then(forget, forget);
		} catch {
			forget();
		}
	}

	#receive(message: ConsumeMessage | null): void {
		if (!message) {
			// Cancelled by the broker: the stream was deleted.
			const { queue } = this.#request;
			this.ended(Object.assign(new Error(`no queue '${queue}': the broker cancelled its consumer`), { code: 404 }));
			return;
		}
		this.#first.resolve();
		this.#unacknowledged.push(message.fields.deliveryTag);
		if (this.#over) return this.release(this.#unacknowledged.length);
		try {
			this.#request.onMessage(message);
		} catch (error) {
			// Not a stream: acknowledging would remove its messages.
			this.#unacknowledged = [];
			this.error = error;
			this.ended(error);
			this.#shared.channel.close().catch(() => {});
		}
	}
}

function tagged(deliveryTag: number): ConsumeMessage {
	// amqplib takes a message and reads only this of it.
	return { fields: { deliveryTag } } as ConsumeMessage;
}

// Consumers on one channel, by names of our own.
//
// Where a channel has two consumers of one stream, RabbitMQ may hand out to the second before it has said that the second
// has begun. amqplib knows a consumer only from then on, and closes the channel over such a message; so messages are
// told apart here, and what amqplib thinks of them is ignored.
import type { Channel, ConsumeMessage } from "amqplib";

export type StreamPosition = number | "first" | "last" | "next";

/** `null`: cancelled by the broker, since the queue was deleted. */
type OnMessage = (message: ConsumeMessage | null) => void;

export class ChannelConsumers {
	readonly channel: Channel;
	readonly #consumers = new Map<string, OnMessage>();
	#named = 0;

	constructor(channel: Channel) {
		this.channel = channel;
		channel.on("handler-error", () => {});
		channel.on("cancel", ({ consumerTag }) => this.#consumers.get(consumerTag)?.(null));
		channel.prependListener("delivery", (message: ConsumeMessage) => this.#consumers.get(message.fields.consumerTag)?.(message));
	}

	/** Requests are sent in the order of calls. Resolves to the consumer's name when it has begun. */
	async consume(queue: string, from: StreamPosition, onMessage: OnMessage): Promise<string> {
		const consumerTag = `polylog-${++this.#named}`;
		this.#consumers.set(consumerTag, onMessage);
		try {
			await this.channel.consume(queue, () => {}, { consumerTag, arguments: { "x-stream-offset": from } });
			return consumerTag;
		} catch (error) {
			this.#consumers.delete(consumerTag);
			throw error;
		}
	}

	async cancel(consumerTag: string): Promise<void> {
		await this.channel.cancel(consumerTag);
		this.#consumers.delete(consumerTag);
	}
}

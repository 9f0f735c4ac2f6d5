// amqplib on stream queues: a confirm channel for each partition, one channel for the consumers, acknowledging in bulk.
import { type Channel, type ChannelModel, type ConfirmChannel, connect, type ConsumeMessage } from "amqplib";
import { BATCH, type Contender, type Echo, inWorkers, PARTITIONS, type Taking, VALUE } from "../contender.ts";
import type { Tally } from "../tally.ts";

/** Deliveries for one acknowledgement of all of them. */
const ACKNOWLEDGED_AT_ONCE = 100;
const INDICES = Array.from({ length: PARTITIONS }, (_, index) => index);

export class RawRabbitmq implements Contender {
	readonly how = `amqplib, noDelay: ${BATCH} publishes, then waitForConfirms; prefetch ${BATCH}, ack of ${ACKNOWLEDGED_AT_ONCE} at once`;
	readonly #publishing: ChannelModel;
	readonly #consuming: ChannelModel;
	readonly #channels: readonly ConfirmChannel[];

	private constructor(publishing: ChannelModel, consuming: ChannelModel, channels: readonly ConfirmChannel[]) {
		this.#publishing = publishing;
		this.#consuming = consuming;
		this.#channels = channels;
	}

	static async connect(url: string): Promise<RawRabbitmq> {
		const open = () => connect(url, { noDelay: true });
		const [publishing, consuming] = await Promise.all([open(), open()]);
		return new RawRabbitmq(publishing, consuming, await Promise.all(INDICES.map(() => publishing.createConfirmChannel())));
	}

	async create(topic: string): Promise<void> {
		const options = { durable: true, arguments: { "x-queue-type": "stream" } };
		for (const index of INDICES) await this.#channel(0).assertQueue(queue(topic, index), options);
	}

	async remove(topic: string): Promise<void> {
		for (const index of INDICES) await this.#channel(0).deleteQueue(queue(topic, index));
	}

	async produce(topic: string, count: number): Promise<void> {
		await inWorkers(count, async (partition, values) => {
			const channel = this.#channel(partition);
			for (let i = 0; i < values; i++) channel.sendToQueue(queue(topic, partition), VALUE);
			await channel.waitForConfirms();
		});
	}

	async consume(topic: string, taking: Taking, tally: Tally): Promise<void> {
		const one = (message: ConsumeMessage) => tally.message({ value: message.content });
		const channel = await this.#consume(topic, () => (taking === "batches" ? gathered(tally) : one));
		await tally.done;
		await channel.close();
	}

	async echo(topic: string, arrived: () => void): Promise<Echo> {
		const channel = await this.#consume(topic, () => arrived);
		return {
			send: async (at) => {
				const publisher = this.#channel(at % PARTITIONS);
				publisher.sendToQueue(queue(topic, at % PARTITIONS), VALUE);
				await publisher.waitForConfirms();
			},
			[Symbol.asyncDispose]: () => channel.close(),
		};
	}

	/** `handler` makes one for each partition. */
	async #consume(topic: string, handler: () => (message: ConsumeMessage) => void): Promise<Channel> {
		const channel = await this.#consuming.createChannel();
		await channel.prefetch(BATCH);
		let delivered = 0;
		for (const index of INDICES) {
			const handle = handler();
			const deliver = (message: ConsumeMessage | null) => {
				if (!message) return;
				handle(message);
				if (++delivered % ACKNOWLEDGED_AT_ONCE === 0) channel.ack(message, true);
			};
			await channel.consume(queue(topic, index), deliver, { arguments: { "x-stream-offset": "first" } });
		}
		return channel;
	}

	#channel(index: number): ConfirmChannel {
		return this.#channels[index] as ConfirmChannel;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([this.#publishing.close(), this.#consuming.close()]);
	}
}

function queue(topic: string, index: number): string {
	return `${topic}-${index}`;
}

/** What arrives in one turn of the event loop is a batch, of no more than BATCH. */
function gathered(tally: Tally): (message: ConsumeMessage) => void {
	let batch: { readonly value: Buffer }[] = [];
	const flush = () => {
		const messages = batch;
		batch = [];
		if (messages.length > 0) tally.batch(messages);
	};
	return ({ content }) => {
		if (batch.length === 0) setImmediate(flush);
		batch.push({ value: content });
		if (batch.length === BATCH) flush();
	};
}

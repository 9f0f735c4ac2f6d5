// The library, as an application uses it.
import { type Broker, bytes, type Topic, topic as named } from "@polylog/core";
import { BATCH, type Contender, type Echo, inWorkers, PARTITIONS, type Taking, VALUE } from "./contender.ts";
import type { Tally } from "./tally.ts";

export class PolylogContender implements Contender {
	readonly how = `Polylog: sendBatch, run, runBatches; codec bytes(), everything else as it is by default`;
	readonly #broker: Broker;
	#groups = 0;

	constructor(broker: Broker) {
		this.#broker = broker;
	}

	async create(topic: string): Promise<void> {
		await this.#broker.topics.ensure(topicOf(topic));
	}

	async remove(topic: string): Promise<void> {
		await this.#broker.topics.delete(topic);
	}

	async produce(topic: string, count: number): Promise<void> {
		await using producer = this.#broker.producer(topicOf(topic));
		await inWorkers(count, async (partition, values) => {
			const receipts = await producer.sendBatch(Array.from({ length: values }, () => ({ value: VALUE, partition })));
			for (const receipt of receipts) if (receipt.status !== "ok") throw receipt.error;
		});
	}

	async consume(topic: string, taking: Taking, tally: Tally): Promise<void> {
		const group = this.#group(topic);
		const member = await group.join();
		const running =
			taking === "batches" ? member.runBatches(({ messages }) => tally.batch(messages), { maxMessages: BATCH }) : member.run(tally.message);
		await Promise.race([tally.done, running]);
		await member.close();
		await running;
		await group.delete();
	}

	async echo(topic: string, arrived: () => void): Promise<Echo> {
		const group = this.#group(topic);
		const producer = this.#broker.producer(topicOf(topic));
		const member = await group.join();
		const running = member.run(arrived);
		return {
			send: (at) => producer.send(VALUE, { partition: at % PARTITIONS }),
			async [Symbol.asyncDispose]() {
				await producer.close();
				await member.close();
				await running;
				await group.delete();
			},
		};
	}

	#group(topic: string) {
		return this.#broker.consumerGroup(`${topic}-${this.#groups++}`, { topics: [topicOf(topic)], from: "earliest" });
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#broker.close();
	}
}

function topicOf(name: string): Topic<Uint8Array> {
	return named(name, { partitions: PARTITIONS, codec: bytes() });
}

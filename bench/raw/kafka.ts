// kafkajs' own producer and consumer. All partitions are consumed at once; offsets are committed as kafkajs does by default.
import { type Consumer, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { BATCH, type Contender, type Echo, inWorkers, PARTITIONS, type Taking, VALUE } from "../contender.ts";
import type { Tally } from "../tally.ts";

export class RawKafka implements Contender {
	readonly how = `kafkajs: producer.send of ${BATCH}, acks all; eachMessage, eachBatch with ${PARTITIONS} partitions at once`;
	readonly #kafka: Kafka;
	readonly #producer: Producer;
	readonly #removed: string[] = [];
	#groups = 0;

	private constructor(kafka: Kafka) {
		this.#kafka = kafka;
		this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false });
	}

	static async connect(url: string): Promise<RawKafka> {
		const raw = new RawKafka(new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING }));
		await raw.#producer.connect();
		return raw;
	}

	async create(topic: string): Promise<void> {
		await this.#administer((admin) =>
			admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }] }),
		);
	}

	/** Later: a kafkajs producer asks for the metadata of every topic it ever knew, and fails if one of them is gone. */
	async remove(topic: string): Promise<void> {
		this.#removed.push(topic);
	}

	async produce(topic: string, count: number): Promise<void> {
		await inWorkers(count, (partition, values) =>
			this.#producer.send({ topic, acks: -1, messages: Array.from({ length: values }, () => ({ value: VALUE, partition })) }),
		);
	}

	async consume(topic: string, taking: Taking, tally: Tally): Promise<void> {
		const consumer = await this.#consumer(topic);
		await consumer.run({
			partitionsConsumedConcurrently: PARTITIONS,
			...(taking === "batches"
				? { eachBatch: async ({ batch }) => tally.batch(batch.messages) }
				: { eachMessage: async ({ message }) => tally.message(message) }),
		});
		await tally.done;
		await consumer.disconnect();
	}

	async echo(topic: string, arrived: () => void): Promise<Echo> {
		const consumer = await this.#consumer(topic);
		await consumer.run({ partitionsConsumedConcurrently: PARTITIONS, eachMessage: async () => arrived() });
		return {
			send: (at) => this.#producer.send({ topic, acks: -1, messages: [{ value: VALUE, partition: at % PARTITIONS }] }),
			[Symbol.asyncDispose]: () => consumer.disconnect(),
		};
	}

	async #consumer(topic: string): Promise<Consumer> {
		const consumer = this.#kafka.consumer({ groupId: `${topic}-${this.#groups++}` });
		await consumer.connect();
		await consumer.subscribe({ topic, fromBeginning: true });
		return consumer;
	}

	async #administer(work: (admin: ReturnType<Kafka["admin"]>) => Promise<unknown>): Promise<void> {
		const admin = this.#kafka.admin();
		await admin.connect();
		try {
			await work(admin);
		} finally {
			await admin.disconnect();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#producer.disconnect();
		await this.#administer((admin) => admin.deleteTopics({ topics: this.#removed }));
	}
}

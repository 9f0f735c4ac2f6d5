// Topics: a direct exchange and a stream for each partition, laid out as a super stream; their shapes in the catalogue.
//
// The catalogue's order decides who made a topic. Queues are made after the entry and from it, so that a maker who dies
// in between leaves something that the next one completes.
import { type Clock, type PartitionDescription, PolylogError, type Random, sleep, type TopicDescription, type TopicOptions, type TopicStore } from "@polylog/core/driver";
import type { Catalogue } from "./catalogue.ts";
import type { TopicShape } from "./catalogue-state.ts";
import type { Settings } from "./options.ts";
import type { Probe } from "./probe.ts";
import { assertStream, queueExists, type StreamArguments, streamArguments } from "./streams.ts";
import { partitionQueue } from "./topology.ts";

/** For the winner of a race to make its queues. */
const PATIENCE_MS = 5000;
const RETRY_MS = 50;
const MAX_FOREIGN_PARTITIONS = 10_000;

export interface TopicContext {
	readonly catalogue: Catalogue;
	readonly probe: Probe;
	readonly clock: Clock;
	readonly random: Random;
	readonly settings: Settings;
}

export class RabbitmqTopics implements TopicStore {
	readonly #context: TopicContext;

	constructor(context: TopicContext) {
		this.#context = context;
	}

	async create(topic: string, { partitions, retention }: TopicOptions, signal?: AbortSignal): Promise<boolean> {
		const { catalogue, random, probe } = this.#context;
		// Refuses what a stream cannot do, before anything is made.
		streamArguments(this.#context.settings, retention);
		const known = (await catalogue.sync()).topics.get(topic);
		if (known) return !(await this.#complete(known, signal));
		if (await queueExists(probe, partitionQueue({ topic, index: 0 }), signal)) return false;
		const id = random.hex(8);
		const state = await catalogue.change({ type: "topic", topic, partitions, id, ...(retention ? { retention } : {}) }, signal);
		const made = state.topics.get(topic);
		if (made?.id !== id) {
			if (made) await this.#awaitQueues(made, signal);
			return false;
		}
		await this.#declare(made, 0, signal);
		return true;
	}

	async delete(topic: string, signal?: AbortSignal): Promise<boolean> {
		const { catalogue } = this.#context;
		const known = (await catalogue.sync()).topics.get(topic);
		const partitions = known?.partitions ?? (await this.#foreignPartitions(topic, signal));
		if (partitions === 0) return false;
		await this.#remove(topic, partitions, signal);
		if (known) await catalogue.change({ type: "drop", topic, id: known.id }, signal);
		return true;
	}

	async grow(topic: string, partitions: number, signal?: AbortSignal): Promise<void> {
		const { catalogue } = this.#context;
		const known = (await catalogue.sync()).topics.get(topic);
		const shape = known ?? (await this.#adopt(topic, signal));
		if (shape.partitions >= partitions) return;
		const grown = { ...shape, partitions };
		// Queues first: who sees the new number must find them.
		await this.#declare(grown, shape.partitions, signal);
		await catalogue.change({ type: "grow", topic, id: shape.id, partitions }, signal);
	}

	async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
		const known = (await this.#context.catalogue.sync()).topics.get(topic);
		const partitions = known?.partitions ?? (await this.#foreignPartitions(topic, signal));
		if (partitions === 0) return undefined;
		const described = await Promise.all(Array.from({ length: partitions }, (_, index) => this.#describePartition({ topic, index }, signal)));
		const found = described.filter((partition) => partition !== undefined);
		return found.length === partitions ? { topic, partitions: found } : undefined;
	}

	async list(): Promise<string[]> {
		return [...(await this.#context.catalogue.sync()).topics.keys()];
	}

	/** Whether it is in the catalogue, or a super stream of somebody else's. */
	async exists(topic: string): Promise<boolean> {
		if ((await this.#context.catalogue.sync()).topics.has(topic)) return true;
		return await queueExists(this.#context.probe, partitionQueue({ topic, index: 0 }));
	}

	async #describePartition(partition: { readonly topic: string; readonly index: number }, signal: AbortSignal | undefined): Promise<PartitionDescription | undefined> {
		const range = await this.#context.probe.range(partitionQueue(partition), signal);
		return range && { ...partition, ...range, records: Number(range.end - range.earliest) };
	}

	/** A super stream made by another program has partitions as long as queues of its name go on. */
	async #foreignPartitions(topic: string, signal: AbortSignal | undefined): Promise<number> {
		const { probe } = this.#context;
		let index = 0;
		while (index < MAX_FOREIGN_PARTITIONS && (await queueExists(probe, partitionQueue({ topic, index }), signal))) index++;
		return index;
	}

	/** A foreign super stream that is to grow becomes one of the catalogue's. */
	async #adopt(topic: string, signal: AbortSignal | undefined): Promise<TopicShape> {
		const { catalogue, random } = this.#context;
		const partitions = await this.#foreignPartitions(topic, signal);
		const notFound = () => new PolylogError("TOPIC_NOT_FOUND", `the topic "${topic}" does not exist`, { topic });
		if (partitions === 0) throw notFound();
		const state = await catalogue.change({ type: "topic", topic, partitions, id: random.hex(8) }, signal);
		const shape = state.topics.get(topic);
		if (!shape) throw notFound();
		return shape;
	}

	/** Makes queues that a maker left out. True if there were any such. */
	async #complete(shape: TopicShape, signal: AbortSignal | undefined): Promise<boolean> {
		if (await this.#awaitQueues(shape, signal)) return false;
		await this.#declare(shape, 0, signal);
		return true;
	}

	/** Whether its last queue, which is made last, is there: somebody else may be making it at this moment. */
	async #awaitQueues({ topic, partitions }: TopicShape, signal: AbortSignal | undefined): Promise<boolean> {
		const { clock, probe } = this.#context;
		const queue = partitionQueue({ topic, index: partitions - 1 });
		for (const until = clock.now() + PATIENCE_MS; ; ) {
			if (await queueExists(probe, queue, signal)) return true;
			if (clock.now() >= until) return false;
			await sleep(clock, RETRY_MS, signal);
		}
	}

	async #declare({ topic, partitions, retention }: TopicShape, from: number, signal: AbortSignal | undefined): Promise<void> {
		const { probe, settings } = this.#context;
		const args = streamArguments(settings, retention);
		const options = signal ? { signal } : {};
		await probe.ask(
			`making the exchange "${topic}"`,
			(channel) => channel.assertExchange(topic, "direct", { durable: true, arguments: { "x-super-stream": true } }),
			options,
		);
		const last = partitions - 1;
		const others = Array.from({ length: last - from }, (_, at) => from + at);
		await Promise.all(others.map((index) => this.#declarePartition(topic, index, args, signal)));
		await this.#declarePartition(topic, last, args, signal);
	}

	async #declarePartition(topic: string, index: number, args: StreamArguments, signal: AbortSignal | undefined): Promise<void> {
		const queue = partitionQueue({ topic, index });
		const work = `making the queue "${queue}"`;
		await this.#context.probe.ask(
			work,
			async (channel) => {
				await assertStream(channel, queue, args);
				await channel.bindQueue(queue, topic, String(index), { "x-stream-partition-order": index });
			},
			signal ? { signal } : {},
		);
	}

	async #remove(topic: string, partitions: number, signal: AbortSignal | undefined): Promise<void> {
		const { probe } = this.#context;
		const options = signal ? { signal } : {};
		await probe.ask(`deleting the exchange "${topic}"`, (channel) => channel.deleteExchange(topic), options);
		const queues = Array.from({ length: partitions }, (_, index) => partitionQueue({ topic, index }));
		await Promise.all(queues.map((queue) => probe.ask(`deleting the queue "${queue}"`, (channel) => channel.deleteQueue(queue), options)));
	}
}

// Topics: a direct exchange and a stream for each partition, laid out as a super stream; their shapes in the catalogue.
//
// The catalogue's order decides who made a topic. Queues are made after the entry and from it, so that a maker who dies
// in between leaves something that the next one completes.
import { type PartitionDescription, PolylogError, type TopicDescription, type TopicOptions, type TopicStore } from "@polylog/core/driver";
import type { Catalogue } from "./catalogue.ts";
import type { CatalogueItem } from "./catalogue-state.ts";
import type { Settings } from "./options.ts";
import type { Probe } from "./probe.ts";
import { assertStream, queueExists, type StreamArguments, streamArguments } from "./streams.ts";
import { partitionQueue } from "./topology.ts";

const MAX_FOREIGN_PARTITIONS = 10_000;

export interface TopicContext {
	readonly catalogue: Catalogue;
	readonly probe: Probe;
	readonly settings: Settings;
}

export class RabbitmqTopics implements TopicStore {
	readonly #context: TopicContext;

	constructor(context: TopicContext) {
		this.#context = context;
	}

	async create(topic: string, { partitions, retention }: TopicOptions, signal?: AbortSignal): Promise<boolean> {
		const { catalogue, probe, settings } = this.#context;
		// Refuses what a stream cannot do, before anything is made.
		streamArguments(settings, retention);
		const known = (await catalogue.sync()).get("topic", topic);
		if (!known && (await queueExists(probe, partitionQueue({ topic, index: 0 }), signal))) return false;
		const claim = { kind: "topic", name: topic, partitions, ...(retention ? { retention } : {}) } as const;
		return await catalogue.make(
			claim,
			(item) => this.#declare(item, 0, signal),
			(item) => this.#remove(topic, item.partitions ?? 0, signal),
			signal,
		);
	}

	async delete(topic: string, signal?: AbortSignal): Promise<boolean> {
		if (await this.#context.catalogue.drop("topic", topic, (item) => this.#remove(topic, item.partitions ?? 0, signal), signal))
			return true;
		const partitions = await this.#foreignPartitions(topic, signal);
		if (partitions > 0) await this.#remove(topic, partitions, signal);
		return partitions > 0;
	}

	async grow(topic: string, partitions: number, signal?: AbortSignal): Promise<void> {
		const { catalogue } = this.#context;
		const item = (await catalogue.sync()).get("topic", topic) ?? (await this.#adopt(topic, signal));
		const before = item.partitions ?? 0;
		if (before >= partitions) return;
		// Queues first: who sees the new number must find them.
		await this.#declare({ ...item, partitions }, before, signal);
		await catalogue.change({ type: "grow", kind: "topic", name: topic, id: item.id, partitions }, signal);
	}

	async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
		const known = (await this.#context.catalogue.sync()).get("topic", topic);
		const partitions = known ? partitionsOf(known) : await this.#foreignPartitions(topic, signal);
		if (partitions === 0) return undefined;
		const described = await Promise.all(
			Array.from({ length: partitions }, (_, index) => this.#describePartition({ topic, index }, signal)),
		);
		const found = described.filter((partition) => partition !== undefined);
		return found.length === partitions ? { topic, partitions: found } : undefined;
	}

	async list(): Promise<string[]> {
		return (await this.#context.catalogue.sync()).names("topic");
	}

	/** Whether it is in the catalogue, or a super stream of somebody else's. */
	async exists(topic: string): Promise<boolean> {
		const known = (await this.#context.catalogue.sync()).get("topic", topic);
		if (known) return partitionsOf(known) > 0;
		return await queueExists(this.#context.probe, partitionQueue({ topic, index: 0 }));
	}

	async #describePartition(
		partition: { readonly topic: string; readonly index: number },
		signal: AbortSignal | undefined,
	): Promise<PartitionDescription | undefined> {
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
	async #adopt(topic: string, signal: AbortSignal | undefined): Promise<CatalogueItem> {
		const { catalogue } = this.#context;
		const partitions = await this.#foreignPartitions(topic, signal);
		const nothing = async () => {};
		if (partitions > 0) await catalogue.make({ kind: "topic", name: topic, partitions }, nothing, nothing, signal);
		const item = catalogue.known("topic", topic);
		if (item) return item;
		throw new PolylogError("TOPIC_NOT_FOUND", `the topic "${topic}" does not exist`, { topic });
	}

	async #declare({ name: topic, partitions = 0, retention }: CatalogueItem, from: number, signal: AbortSignal | undefined): Promise<void> {
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

/** None while it is made or deleted. */
function partitionsOf({ phase, partitions = 0 }: CatalogueItem): number {
	return phase === "ready" ? partitions : 0;
}

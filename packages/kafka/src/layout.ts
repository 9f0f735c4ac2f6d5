// Where partitions are: topics, their ids and leaders, as last heard, and asked anew when that proves wrong.
import { type Clock, type Partition, partitionKey, PolylogError } from "@polylog/core/driver";
import { ERROR, KafkaError } from "./wire/error-codes.ts";
import { metadataRequest, type TopicMetadata } from "./wire/api/metadata.ts";
import type { Network } from "./wire/network.ts";

/** Leaders are corrected by the errors of those that are none any more; this only bounds how long nobody would notice. */
const MAX_AGE_MS = 60_000;

export interface Place {
	readonly topicId: string;
	readonly leader: number;
	readonly leaderEpoch: number;
}

interface Known {
	readonly topic: TopicMetadata;
	readonly at: number;
}

export class Layout {
	readonly #network: Network;
	readonly #clock: Clock;
	readonly #known = new Map<string, Known>();
	readonly #asking = new Map<string, Promise<TopicMetadata | undefined>>();

	constructor(network: Network, clock: Clock) {
		this.#network = network;
		this.#clock = clock;
	}

	/** Undefined if there is no such topic. */
	async topic(
		name: string,
		options: { readonly maxAgeMs?: number; readonly signal?: AbortSignal | undefined } = {},
	): Promise<TopicMetadata | undefined> {
		const known = this.#known.get(name);
		if (known && this.#clock.now() - known.at <= (options.maxAgeMs ?? MAX_AGE_MS)) return known.topic;
		return await this.ask(name, options.signal);
	}

	/** As it is now. Callers at the same time share one question. */
	ask(name: string, signal?: AbortSignal): Promise<TopicMetadata | undefined> {
		const under = this.#asking.get(name);
		if (under) return under;
		const asked = this.#ask(name, signal).finally(() => this.#asking.delete(name));
		this.#asking.set(name, asked);
		return asked;
	}

	/** Who leads the partition. TOPIC_NOT_FOUND if it does not exist; UNAVAILABLE if nobody leads it now. */
	async place(partition: Partition, signal?: AbortSignal): Promise<Place> {
		const topic = (await this.topic(partition.topic, { signal })) ?? (await this.ask(partition.topic, signal));
		// A topic that has grown has partitions this did not know.
		const found = topic?.partitions[partition.index] ?? (await this.ask(partition.topic, signal))?.partitions[partition.index];
		if (!topic || !found)
			throw new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(partition)} does not exist`, {
				topic: partition.topic,
				partition: partition.index,
			});
		if (found.leader < 0) {
			this.forget(partition.topic);
			throw new KafkaError(ERROR.leaderNotAvailable, `finding the leader of ${partitionKey(partition)}`);
		}
		return { topicId: topic.id, leader: found.leader, leaderEpoch: found.leaderEpoch };
	}

	forget(name: string): void {
		this.#known.delete(name);
	}

	async all(signal?: AbortSignal): Promise<readonly TopicMetadata[]> {
		const { nodes, topics } = await this.#network.sendAny("admin", metadataRequest(undefined), { signal });
		this.#network.learn(nodes);
		return topics;
	}

	async controller(signal?: AbortSignal): Promise<number> {
		const { nodes, controller } = await this.#network.sendAny("admin", metadataRequest([]), { signal });
		this.#network.learn(nodes);
		return controller;
	}

	async #ask(name: string, signal?: AbortSignal): Promise<TopicMetadata | undefined> {
		const { nodes, topics } = await this.#network.sendAny("admin", metadataRequest([name]), { signal });
		this.#network.learn(nodes);
		const [topic] = topics;
		if (!topic || topic.errorCode === ERROR.unknownTopicOrPartition) {
			this.forget(name);
			return undefined;
		}
		if (topic.errorCode !== ERROR.none && topic.errorCode !== ERROR.leaderNotAvailable)
			throw new KafkaError(topic.errorCode, `looking at topic ${name}`);
		this.#known.set(name, { topic, at: this.#clock.now() });
		return topic;
	}
}

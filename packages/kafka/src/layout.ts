// Where partitions are: topics, their ids and leaders, as last heard, and asked anew when that proves wrong.
import { type Clock, type Partition, partitionKey, PolylogError, sleep } from "@polylog/core/driver";
import { ERROR, KafkaError } from "./wire/error-codes.ts";
import { metadataRequest, type TopicMetadata } from "./wire/api/metadata.ts";
import type { Network } from "./wire/network.ts";

/** How long a leader may take for an answer before others are asked whether it leads still. */
const LOOK_MS = 2000;

export interface Place {
	readonly topicId: string;
	readonly leader: number;
	readonly leaderEpoch: number;
}

interface Known {
	readonly topic: TopicMetadata;
	readonly at: number;
}

type Asked = Pick<Network, "ask" | "learn" | "suspect">;

export class Layout {
	readonly #network: Asked;
	readonly #clock: Clock;
	readonly #maxAgeMs: number;
	readonly #known = new Map<string, Known>();
	/** The latest there was to hear of each topic, also where it is to be asked anew. */
	readonly #latest = new Map<string, TopicMetadata>();
	readonly #asking = new Map<string, Promise<TopicMetadata | undefined>>();

	/**
	 * Those that lead no more mostly say so by an error. One that is cut off from the others does not, nor one that is
	 * frozen: `maxAgeMs` bounds for how long that goes unnoticed.
	 */
	constructor(network: Asked, clock: Clock, maxAgeMs: number) {
		this.#network = network;
		this.#clock = clock;
		this.#maxAgeMs = maxAgeMs;
	}

	/** Undefined if there is no such topic. */
	async topic(name: string, signal?: AbortSignal): Promise<TopicMetadata | undefined> {
		const known = this.#known.get(name);
		if (known && this.#clock.now() - known.at <= this.#maxAgeMs) return known.topic;
		return await this.ask(name, signal);
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
		const topic = (await this.topic(partition.topic, signal)) ?? (await this.ask(partition.topic, signal));
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

	/** Looks now and then, and resolves once somebody else leads the partition; rejects with the signal's reason. */
	async movedOn(partition: Partition, { leader, leaderEpoch, topicId }: Place, signal: AbortSignal): Promise<void> {
		for (;;) {
			await sleep(this.#clock, LOOK_MS, signal);
			await this.ask(partition.topic).catch(() => {});
			const now = await this.place(partition, signal).catch(() => undefined);
			signal.throwIfAborted();
			if (now && (now.leader !== leader || now.leaderEpoch !== leaderEpoch || now.topicId !== topicId)) return;
		}
	}

	/** To be asked anew; `leader` did not do what it should, and others are asked first. */
	forget(name: string, leader?: number): void {
		this.#known.delete(name);
		if (leader !== undefined) this.#network.suspect(leader);
	}

	async all(signal?: AbortSignal): Promise<readonly TopicMetadata[]> {
		const answers = await this.#network.ask(metadataRequest(undefined), { signal });
		for (const { nodes } of answers) this.#network.learn(nodes);
		// What one has not heard of yet, another has.
		return [...new Map(answers.flatMap(({ topics }) => topics.map((topic) => [topic.name, topic] as const))).values()];
	}

	async controller(signal?: AbortSignal): Promise<number> {
		const answers = await this.#network.ask(metadataRequest([]), { signal });
		for (const { nodes } of answers) this.#network.learn(nodes);
		return answers[0].controller;
	}

	async #ask(name: string, signal?: AbortSignal): Promise<TopicMetadata | undefined> {
		const told = await this.#told(name, signal);
		if (!told) {
			this.forget(name);
			this.#latest.delete(name);
			return undefined;
		}
		const topic = newest(told, this.#latest.get(name));
		if (topic.errorCode !== ERROR.none && topic.errorCode !== ERROR.leaderNotAvailable)
			throw new KafkaError(topic.errorCode, `looking at topic ${name}`);
		this.#known.set(name, { topic, at: this.#clock.now() });
		this.#latest.set(name, topic);
		return topic;
	}

	/** Undefined if no broker knows it: one may not have heard of a new topic yet, or be cut off from the others. */
	async #told(name: string, signal: AbortSignal | undefined): Promise<TopicMetadata | undefined> {
		let newestTold: TopicMetadata | undefined;
		for (const { nodes, topics } of await this.#network.ask(metadataRequest([name]), { signal })) {
			this.#network.learn(nodes);
			const [told] = topics;
			if (told && told.errorCode !== ERROR.unknownTopicOrPartition) newestTold = newest(told, newestTold);
		}
		return newestTold;
	}
}

/** A broker that is cut off from the others tells of leaders that are none any more: the higher epoch counts. */
function newest(told: TopicMetadata, known: TopicMetadata | undefined): TopicMetadata {
	if (known?.id !== told.id) return told;
	const partitions = told.partitions.map((partition) => {
		const before = known.partitions[partition.index];
		return before && before.leaderEpoch > partition.leaderEpoch ? before : partition;
	});
	return { ...told, partitions };
}

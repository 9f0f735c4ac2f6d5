// Topics: made, looked at, grown and deleted through the cluster's controller.
import {
	type Clock,
	PolylogError,
	type Retention,
	sleep,
	type TopicDescription,
	type TopicOptions,
	type TopicStore,
} from "@polylog/core/driver";
import { classify } from "./errors.ts";
import type { Layout } from "./layout.ts";
import type { LogEnds } from "./log/ends.ts";
import type { Settings } from "./options.ts";
import { check, ERROR } from "./wire/error-codes.ts";
import type { TopicMetadata } from "./wire/api/metadata.ts";
import { createTopicRequest, deleteTopicRequest, growTopicRequest, type TopicResult } from "./wire/api/topics.ts";
import type { Network } from "./wire/network.ts";
import type { WireRequest } from "./wire/wire.ts";

/** How long brokers may take to hear of what their controller has decided. */
const SETTLE_MS = 10_000;
const LOOK_AGAIN_MS = 25;
/** Kafka 4 refuses smaller segments, and deletes by whole ones. */
const LEAST_SEGMENT_BYTES = 1_048_576;

export class KafkaTopics implements TopicStore {
	readonly #network: Network;
	readonly #layout: Layout;
	readonly #ends: LogEnds;
	readonly #clock: Clock;
	readonly #settings: Settings;

	constructor(network: Network, layout: Layout, ends: LogEnds, clock: Clock, settings: Settings) {
		this.#network = network;
		this.#layout = layout;
		this.#ends = ends;
		this.#clock = clock;
		this.#settings = settings;
	}

	async create(topic: string, { partitions, retention }: TopicOptions, signal?: AbortSignal): Promise<boolean> {
		const { replicationFactor, requestTimeoutMs } = this.#settings;
		const config = this.#config(topic, retention);
		const result = await this.#control(
			createTopicRequest({ name: topic, partitions, replicationFactor, config }, requestTimeoutMs),
			signal,
		);
		if (result.errorCode === ERROR.topicAlreadyExists) {
			// Somebody else has just made it, and the broker that is asked next may not have heard of it yet.
			await this.#settled(topic, (found) => found !== undefined && found.partitions.every(({ leader }) => leader >= 0), signal);
			return false;
		}
		check(result.errorCode, `making topic ${topic}`, result.told);
		await this.#settled(
			topic,
			(found) => found !== undefined && found.partitions.length >= partitions && found.partitions.every(({ leader }) => leader >= 0),
			signal,
		);
		await this.#served(topic, partitions, signal);
		return true;
	}

	async delete(topic: string, signal?: AbortSignal): Promise<boolean> {
		const result = await this.#control(deleteTopicRequest(topic, this.#settings.requestTimeoutMs), signal);
		if (result.errorCode === ERROR.unknownTopicOrPartition) return false;
		check(result.errorCode, `deleting topic ${topic}`);
		await this.#settled(topic, (found) => found === undefined, signal);
		return true;
	}

	async grow(topic: string, partitions: number, signal?: AbortSignal): Promise<void> {
		const known = await this.#layout.ask(topic, signal);
		if (!known) throw new PolylogError("TOPIC_NOT_FOUND", `the topic "${topic}" does not exist`, { topic });
		if (known.partitions.length >= partitions) return;
		const result = await this.#control(growTopicRequest(topic, partitions, this.#settings.requestTimeoutMs), signal);
		check(result.errorCode, `growing topic ${topic}`, result.told);
		await this.#settled(
			topic,
			(found) => found !== undefined && found.partitions.length >= partitions && found.partitions.every(({ leader }) => leader >= 0),
			signal,
		);
		await this.#served(topic, partitions, signal);
	}

	async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
		const found = await this.#layout.ask(topic, signal);
		if (!found) return undefined;
		const partitions = found.partitions.map(({ index }) => ({ topic, index }));
		try {
			const ends = await this.#ends.of(partitions, signal);
			return {
				topic,
				partitions: partitions.map((partition, i) => ({ ...partition, earliest: ends[i]?.earliest ?? 0n, end: ends[i]?.end ?? 0n })),
			};
		} catch (error) {
			// Deleted while it was looked at.
			if (!(await this.#layout.ask(topic, signal))) return undefined;
			throw error;
		}
	}

	async list(signal?: AbortSignal): Promise<string[]> {
		return (await this.#layout.all(signal)).filter(({ internal }) => !internal).map(({ name }) => name);
	}

	#config(topic: string, retention: Retention | undefined): ReadonlyMap<string, string> {
		if (retention?.records !== undefined) {
			throw new PolylogError(
				"UNSUPPORTED",
				`topic "${topic}": Kafka keeps records by bytes and age, not by their number; give "bytes" or "ageMs"`,
				{ topic },
			);
		}
		const { bytes, ageMs } = retention ?? {};
		const config = new Map([
			["cleanup.policy", "delete"],
			["retention.ms", String(ageMs ?? -1)],
			["retention.bytes", String(bytes ?? -1)],
		]);
		// Only whole segments are deleted, and never the last: they must be small against what is kept, and must end.
		if (bytes !== undefined) config.set("segment.bytes", String(Math.max(LEAST_SEGMENT_BYTES, Math.min(2 ** 30, Math.floor(bytes / 4)))));
		if (ageMs !== undefined) config.set("segment.ms", String(Math.max(1, Math.floor(ageMs / 4))));
		const { minInSyncReplicas } = this.#settings;
		if (minInSyncReplicas !== undefined) config.set("min.insync.replicas", String(minInSyncReplicas));
		return config;
	}

	/** To the controller; once more if it has just become another broker. */
	async #control(request: WireRequest<TopicResult>, signal: AbortSignal | undefined): Promise<TopicResult> {
		const send = async () => await this.#network.send(await this.#layout.controller(signal), "admin", request, { signal });
		const result = await send();
		return result.errorCode === ERROR.notController ? await send() : result;
	}

	/** The leaders know that they are: the next append or read would otherwise find out for them. The topic is there either way. */
	async #served(topic: string, partitions: number, signal: AbortSignal | undefined): Promise<void> {
		try {
			await this.#ends.of(
				Array.from({ length: partitions }, (_, index) => ({ topic, index })),
				signal,
			);
		} catch (error) {
			if (classify(error).code !== "UNAVAILABLE") throw error;
		}
	}

	async #settled(topic: string, done: (found: TopicMetadata | undefined) => boolean, signal: AbortSignal | undefined): Promise<void> {
		for (const deadline = this.#clock.now() + SETTLE_MS; this.#clock.now() < deadline; await sleep(this.#clock, LOOK_AGAIN_MS, signal)) {
			if (done(await this.#layout.ask(topic, signal))) return;
		}
	}
}

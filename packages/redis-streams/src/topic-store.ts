// Topics: their shapes in one hash, and metadata beside each partition's stream.
import {
	type Partition,
	type PartitionDescription,
	PolylogError,
	type Random,
	type Retention,
	type TopicDescription,
	type TopicOptions,
	type TopicStore,
} from "@polylog/core/driver";
import type { Redis } from "ioredis";
import type { Link } from "./link.ts";
import { tidyScript } from "./scripts/append.ts";
import { type Place, readPlace } from "./scripts/place.ts";
import type { Script } from "./scripts/script.ts";
import { adoptScript, createScript, deleteScript, growScript } from "./scripts/topics.ts";
import type { PartitionKeys, Topology } from "./topology.ts";

interface Shape {
	readonly partitions: number;
	/** The incarnation: a topic made again has another one. */
	readonly log: string;
	readonly retention?: Retention;
}

export class RedisTopics implements TopicStore {
	readonly #link: Link;
	readonly #topology: Topology;
	readonly #random: Random;

	constructor(link: Link, topology: Topology, random: Random) {
		this.#link = link;
		this.#topology = topology;
		this.#random = random;
	}

	async create(topic: string, options: TopicOptions, signal?: AbortSignal): Promise<boolean> {
		const { partitions, retention } = options;
		const shape: Shape = { partitions, log: this.#random.hex(8), ...(retention === undefined ? {} : { retention }) };
		if (this.#topology.adopted.has(topic)) {
			if (partitions !== 1)
				throw new PolylogError("UNSUPPORTED", `the topic "${topic}" is an adopted stream, which has one partition, not ${partitions}`, {
					topic,
				});
			const { stream, meta } = this.#keys(topic, 0);
			return (await this.#run(adoptScript, [stream, meta], metaValues(shape), signal)) === 1;
		}
		const metas = this.#range(topic, 0, partitions).map(({ meta }) => meta);
		return (
			(await this.#run(createScript, [this.#topology.topics, ...metas], [topic, JSON.stringify(shape), ...metaValues(shape)], signal)) === 1
		);
	}

	async delete(topic: string, signal?: AbortSignal): Promise<boolean> {
		if (this.#topology.adopted.has(topic))
			throw new PolylogError("UNSUPPORTED", `the topic "${topic}" is an adopted stream; delete its key in Redis if that is meant`, {
				topic,
			});
		for (;;) {
			const text = await this.#shapeText(topic, signal);
			if (text === undefined) return false;
			const keys = this.#range(topic, 0, parseShape(text).partitions).flatMap(({ stream, meta, producers }) => [stream, meta, producers]);
			if ((await this.#run(deleteScript, [this.#topology.topics, ...keys], [topic, text], signal)) === 1) return true;
		}
	}

	async grow(topic: string, partitions: number, signal?: AbortSignal): Promise<void> {
		for (;;) {
			const text = this.#topology.adopted.has(topic) ? undefined : await this.#shapeText(topic, signal);
			if (text === undefined) throw this.#cannotGrow(topic);
			const shape = parseShape(text);
			if (shape.partitions >= partitions) return;
			const metas = this.#range(topic, shape.partitions, partitions).map(({ meta }) => meta);
			const values = [topic, text, JSON.stringify({ ...shape, partitions }), ...metaValues(shape)];
			if ((await this.#run(growScript, [this.#topology.topics, ...metas], values, signal)) === 1) return;
		}
	}

	async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
		const adopted = this.#topology.adopted.has(topic);
		const text = adopted ? undefined : await this.#shapeText(topic, signal);
		if (!adopted && text === undefined) return undefined;
		const shape = text === undefined ? undefined : parseShape(text);
		const keys = this.#range(topic, 0, shape?.partitions ?? 1);
		const places = await this.#link.run(
			(client) => Promise.all(keys.map((each) => readTidyPlace(client, each, shape?.retention))),
			signal ? { signal } : {},
		);
		if (!places.every(({ exists }) => exists)) return undefined;
		return { topic, partitions: places.map((place, index) => describePartition({ topic, index }, place)) };
	}

	async list(signal?: AbortSignal): Promise<string[]> {
		return await this.#link.run(
			async (client) => {
				const [own, ...adopted] = await Promise.all([
					client.hkeys(this.#topology.topics),
					...[...this.#topology.adopted.keys()].map(async (topic) =>
						(await readPlace(client, this.#keys(topic, 0))).exists ? [topic] : [],
					),
				]);
				return [...new Set([...own, ...adopted.flat()])];
			},
			signal ? { signal } : {},
		);
	}

	#run(script: Script, keys: readonly string[], values: readonly string[], signal: AbortSignal | undefined): Promise<unknown> {
		return this.#link.run((client) => script.run(client, keys, values), signal ? { signal } : {});
	}

	async #shapeText(topic: string, signal: AbortSignal | undefined): Promise<string | undefined> {
		return (await this.#link.run((client) => client.hget(this.#topology.topics, topic), signal ? { signal } : {})) ?? undefined;
	}

	#keys(topic: string, index: number): PartitionKeys {
		return this.#topology.partition({ topic, index });
	}

	#range(topic: string, from: number, to: number): PartitionKeys[] {
		return Array.from({ length: to - from }, (_, at) => this.#keys(topic, from + at));
	}

	#cannotGrow(topic: string): PolylogError {
		if (this.#topology.adopted.has(topic))
			return new PolylogError("UNSUPPORTED", `the topic "${topic}" is an adopted stream and cannot grow`, { topic });
		return new PolylogError("TOPIC_NOT_FOUND", `the topic "${topic}" does not exist`, { topic });
	}
}

/** With retention by age time alone moves the beginning, and somebody has to look at the clock. */
async function readTidyPlace(client: Redis, keys: PartitionKeys, retention: Retention | undefined): Promise<Place> {
	if (retention?.ageMs !== undefined) await tidyScript.run(client, [keys.stream, keys.meta], []);
	return await readPlace(client, keys);
}

function describePartition(partition: Partition, { earliest, end, records }: Place): PartitionDescription {
	return { ...partition, earliest, end, records };
}

function metaValues({ log, retention }: Shape): string[] {
	return [log, String(retention?.records ?? ""), String(retention?.bytes ?? ""), String(retention?.ageMs ?? "")];
}

function parseShape(text: string): Shape {
	// Written by `create` and `grow` alone.
	return JSON.parse(text) as Shape;
}

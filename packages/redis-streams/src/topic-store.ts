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
import { tidyScript } from "./scripts/append.ts";
import { type Place, readPlace } from "./scripts/place.ts";
import type { Script } from "./scripts/script.ts";
import { adoptScript, createScript, deleteScript, dropScript, growScript, makeScript } from "./scripts/topics.ts";
import type { Route } from "./servers/servers.ts";
import type { PartitionKeys, Topology } from "./topology.ts";

interface Shape {
	readonly partitions: number;
	/** The incarnation: a topic made again has another one. */
	readonly log: string;
	readonly retention?: Retention;
}

export class RedisTopics implements TopicStore {
	readonly #route: Route;
	readonly #topology: Topology;
	readonly #random: Random;

	constructor(route: Route, topology: Topology, random: Random) {
		this.#route = route;
		this.#topology = topology;
		this.#random = random;
	}

	async create(topic: string, options: TopicOptions, signal?: AbortSignal): Promise<boolean> {
		const { partitions, retention } = options;
		const log = this.#random.hex(8);
		if (this.#topology.adopted.has(topic)) {
			if (partitions !== 1)
				throw new PolylogError("UNSUPPORTED", `the topic "${topic}" is an adopted stream, which has one partition, not ${partitions}`, {
					topic,
				});
			const { stream, meta } = this.#keys(topic, 0);
			return (await this.#run(adoptScript, [stream, meta], [log, ...limits(retention)], signal)) === 1;
		}
		const { topics, made } = this.#topology;
		const shape = JSON.stringify({ partitions, ...(retention === undefined ? {} : { retention }) });
		const reply = await this.#run(createScript, [topics, made], [topic, shape, log], signal);
		if (!Buffer.isBuffer(reply)) return false;
		await this.#make(topic, parseShape(reply.toString()), signal);
		return true;
	}

	async delete(topic: string, signal?: AbortSignal): Promise<boolean> {
		if (this.#topology.adopted.has(topic))
			throw new PolylogError("UNSUPPORTED", `the topic "${topic}" is an adopted stream; delete its key in Redis if that is meant`, {
				topic,
			});
		for (;;) {
			const text = await this.#shapeText(topic, signal);
			if (text === undefined) return false;
			if ((await this.#run(deleteScript, [this.#topology.topics], [topic, text], signal)) !== 1) continue;
			await this.#drop(topic, parseShape(text), signal);
			return true;
		}
	}

	async grow(topic: string, partitions: number, signal?: AbortSignal): Promise<void> {
		for (;;) {
			const text = this.#topology.adopted.has(topic) ? undefined : await this.#shapeText(topic, signal);
			if (text === undefined) throw this.#cannotGrow(topic);
			const shape = parseShape(text);
			if (shape.partitions >= partitions) return;
			const grown = { ...shape, partitions };
			if ((await this.#run(growScript, [this.#topology.topics], [topic, text, JSON.stringify(grown)], signal)) === 1)
				return await this.#make(topic, grown, signal);
		}
	}

	async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
		const adopted = this.#topology.adopted.has(topic);
		const text = adopted ? undefined : await this.#shapeText(topic, signal);
		if (!adopted && text === undefined) return undefined;
		const shape = text === undefined ? undefined : parseShape(text);
		let places = await this.#places(topic, shape, signal);
		if (shape && places.some(({ log }) => log !== shape.log)) {
			// Whoever made, grew or deleted it did not come to the end, or a failover lost that.
			await this.#make(topic, shape, signal);
			places = await this.#places(topic, shape, signal);
		}
		if (!places.every(({ exists }) => exists)) return undefined;
		return { topic, partitions: places.map((place, index) => describePartition({ topic, index }, place)) };
	}

	async list(signal?: AbortSignal): Promise<string[]> {
		const { topics, adopted } = this.#topology;
		const [own, ...foreign] = await Promise.all([
			this.#route.run(topics, (client) => client.hkeys(topics), { signal }),
			...[...adopted.keys()].map(async (topic) => ((await this.#places(topic, undefined, signal))[0]?.exists ? [topic] : [])),
		]);
		return [...new Set([...own, ...foreign.flat()])];
	}

	/** The topic may have been deleted meanwhile: then nothing of it may stay. */
	async #make(topic: string, shape: Shape, signal: AbortSignal | undefined): Promise<void> {
		const values = [shape.log, ...limits(shape.retention)];
		await Promise.all(this.#range(topic, 0, shape.partitions).map((keys) => this.#run(makeScript, namesOf(keys), values, signal)));
		const text = await this.#shapeText(topic, signal);
		if (text === undefined || parseShape(text).log !== shape.log) await this.#drop(topic, shape, signal);
	}

	async #drop(topic: string, { partitions, log }: Shape, signal: AbortSignal | undefined): Promise<void> {
		await Promise.all(this.#range(topic, 0, partitions).map((keys) => this.#run(dropScript, namesOf(keys), [log], signal)));
	}

	async #places(topic: string, shape: Shape | undefined, signal: AbortSignal | undefined): Promise<Place[]> {
		return await Promise.all(
			this.#range(topic, 0, shape?.partitions ?? 1).map((keys) =>
				this.#route.run(keys.stream, (client) => readTidyPlace(client, keys, shape?.retention), { signal }),
			),
		);
	}

	/** The first key tells where. */
	#run(script: Script, keys: readonly [string, ...string[]], values: readonly string[], signal: AbortSignal | undefined): Promise<unknown> {
		return this.#route.run(keys[0], (client) => script.run(client, keys, values), { signal });
	}

	async #shapeText(topic: string, signal: AbortSignal | undefined): Promise<string | undefined> {
		const { topics } = this.#topology;
		return (await this.#route.run(topics, (client) => client.hget(topics, topic), { signal })) ?? undefined;
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

function limits(retention: Retention | undefined): string[] {
	return [retention?.records, retention?.bytes, retention?.ageMs].map((limit) => String(limit ?? ""));
}

function namesOf({ stream, meta, producers }: PartitionKeys): [string, string, string] {
	return [stream, meta, producers];
}

function parseShape(text: string): Shape {
	// Written by `create` and `grow` alone.
	return JSON.parse(text) as Shape;
}

// Operating topics: `broker.topics`, and making a topic on its first use.
import type { Topics } from "./api/broker.ts";
import type { TopicShape } from "./api/topic.ts";
import type { Backend } from "./backend.ts";
import type { Retention, TopicDescription, TopicOptions } from "./driver/driver.ts";
import { PolylogError } from "./errors.ts";
import { checkName } from "./names.ts";

interface Shape {
	readonly partitions?: number;
	readonly retention?: Retention;
}

export class BrokerTopics implements Topics {
	readonly #backend: Backend;

	constructor(backend: Backend) {
		this.#backend = backend;
	}

	async create(topic: TopicShape | string, options: Shape = {}): Promise<void> {
		const name = nameOf(topic);
		if (!(await this.#create(name, shapeOf(topic, options))))
			throw new PolylogError("TOPIC_EXISTS", `topic ${name} exists already`, { topic: name });
	}

	async ensure(topic: TopicShape | string, options: Shape = {}): Promise<TopicDescription> {
		const name = nameOf(topic);
		const known = await this.#described(name);
		if (known) return known;
		await this.#create(name, shapeOf(topic, options));
		return this.describe(name);
	}

	async describe(topic: string | { readonly name: string }): Promise<TopicDescription> {
		const name = nameOf(topic);
		const described = await this.#described(name);
		if (!described) throw notFound(name);
		return described;
	}

	list(): Promise<string[]> {
		return this.#backend.patiently("listing topics", () => this.#backend.driver.topics.list());
	}

	async grow(topic: string | { readonly name: string }, partitions: number): Promise<void> {
		const name = nameOf(topic);
		checkPartitions(partitions);
		if (!this.#backend.driver.capabilities.growTopics)
			throw new PolylogError("UNSUPPORTED", `${this.#backend.driver.name} cannot add partitions to a topic`, { topic: name });
		const { length } = (await this.describe(name)).partitions;
		if (partitions < length)
			throw new RangeError(`topic ${name} has ${length} partitions; their number cannot be lowered to ${partitions}`);
		await this.#backend.patiently(`growing topic ${name}`, () => this.#backend.driver.topics.grow(name, partitions), { topic: name });
	}

	async delete(topic: string | { readonly name: string }): Promise<void> {
		const name = nameOf(topic);
		// That there is none when it is tried again is the work of the first try.
		const remove = async (again: boolean) => (await this.#backend.driver.topics.delete(name)) || again;
		const existed = await this.#backend.patiently(`deleting topic ${name}`, remove, { topic: name });
		if (!existed) throw notFound(name);
	}

	/** The number of partitions of a topic that is about to be used; makes it if its definition says with how many. */
	async partitionsOf(topic: TopicShape): Promise<number> {
		const known = await this.#backend.describeTopic(topic.name);
		if (known) return known.partitions.length;
		if (topic.definition.partitions === undefined) throw notFound(topic.name);
		return (await this.ensure(topic)).partitions.length;
	}

	#described(name: string): Promise<TopicDescription | undefined> {
		return this.#backend.patiently(`describing topic ${name}`, () => this.#backend.describeTopic(name), { topic: name });
	}

	#create(name: string, options: TopicOptions): Promise<boolean> {
		const make = async (again: boolean) => (await this.#backend.driver.topics.create(name, options)) || again;
		return this.#backend.patiently(`creating topic ${name}`, make, { topic: name });
	}
}

function shapeOf(topic: TopicShape | string, options: Shape): TopicOptions {
	const definition: Shape = typeof topic === "string" ? {} : topic.definition;
	const partitions = options.partitions ?? definition.partitions ?? 1;
	const retention = options.retention ?? definition.retention;
	checkPartitions(partitions);
	return { partitions, ...(retention ? { retention } : {}) };
}

function checkPartitions(partitions: number): void {
	if (!Number.isSafeInteger(partitions) || partitions < 1) throw new RangeError(`partitions must be a positive integer, not ${partitions}`);
}

function nameOf(topic: string | { readonly name: string }): string {
	return checkName("topic", typeof topic === "string" ? topic : topic.name);
}

function notFound(topic: string): PolylogError {
	return new PolylogError(
		"TOPIC_NOT_FOUND",
		`topic ${topic} does not exist; make it with broker.topics.ensure, or say how many partitions it has: topic("${topic}", { partitions: 8 })`,
		{ topic },
	);
}

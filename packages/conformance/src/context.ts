// What a check is given: connections, and names of its own on the broker. All of it is closed and removed afterwards.
import {
	type Broker,
	type Capabilities,
	type ConsumerGroup,
	connect,
	type GroupOptions,
	type Log,
	type Requirement,
	type Retention,
	topic,
	type Topic,
	type TopicDefinition,
} from "@polylog/core";
import type { Driver } from "@polylog/core/driver";
import type { SeededRandom } from "@polylog/core/testing";
import type { Harness, RunningBroker } from "./harness.ts";
import type { ChildMember, ChildOptions } from "./child.ts";
import { spawnChild } from "./child.ts";
import { type Item, Recorder } from "./recorder.ts";
import { type Tap, tapped } from "./tap.ts";
import { within } from "./time.ts";
import { watched } from "./watched-group.ts";

/** A connection that can be cut, as the death of its process would. */
export interface Cuttable {
	readonly broker: Broker;
	cut(): void;
}

export interface ContextSource {
	readonly harness: Harness;
	readonly running: RunningBroker;
	readonly capabilities: Capabilities;
	readonly random: SeededRandom;
	readonly sessionTimeoutMs: number;
	readonly log: Log;
}

export class CheckContext {
	readonly harness: Harness;
	readonly capabilities: Capabilities;
	readonly random: SeededRandom;
	/** Of the groups the kit makes, in ms. Heartbeats are a third of it. */
	readonly sessionTimeoutMs: number;
	readonly #source: ContextSource;
	readonly #brokers: Broker[] = [];
	readonly #topics: string[] = [];
	readonly #groups: string[] = [];
	readonly #children: ChildMember[] = [];
	readonly #recorders: Recorder[] = [];

	constructor(source: ContextSource) {
		this.#source = source;
		this.harness = source.harness;
		this.capabilities = source.capabilities;
		this.random = source.random;
		this.sessionTimeoutMs = source.sessionTimeoutMs;
	}

	/** Of topics that are to lose their beginning soon: at least 50 records stay. */
	get shortRetention(): Retention {
		return this.harness.retention ?? { records: 50 };
	}

	/** What a member that dies may cost its partitions, in ms: contract point 9. */
	get takeoverMs(): number {
		return this.sessionTimeoutMs + (2 * this.sessionTimeoutMs) / 3 + 2000;
	}

	async connect(tap?: Tap): Promise<Broker> {
		const { config } = this.#source.running;
		const broker = await connect(tap ? tappedConfig(this.#source, tap) : { log: this.#source.log, ...config });
		this.#brokers.push(broker);
		return broker;
	}

	/** Connects only if the backend has all of these. */
	async connectRequiring(require: readonly Requirement[]): Promise<void> {
		const broker = await connect({ log: this.#source.log, ...this.#source.running.config, require });
		await broker.close();
	}

	async connectWith(signal: AbortSignal): Promise<void> {
		const broker = await connect({ log: this.#source.log, ...this.#source.running.config }, { signal });
		await broker.close();
	}

	async connectCuttable(): Promise<Cuttable> {
		const drivers: Driver[] = [];
		const broker = await this.connect({
			driver(driver) {
				drivers.push(driver);
				return driver;
			},
		});
		return { broker, cut: () => drivers.forEach((driver) => driver.destroy()) };
	}

	/** Makes a topic; 3 partitions unless said otherwise. */
	async topic(broker: Broker, definition?: TopicDefinition<Item>): Promise<Topic<Item>> {
		return this.topicOf<Item>(broker, definition);
	}

	async topicOf<T>(broker: Broker, definition: TopicDefinition<T> = {}): Promise<Topic<T>> {
		const made = this.topicName<T>({ partitions: 3, ...definition });
		const { partitions, retention } = made.definition;
		await broker.topics.create(made.name, { partitions: partitions ?? 3, ...(retention ? { retention } : {}) });
		return made;
	}

	/** A topic that nobody has made yet. */
	topicName<T>(definition: TopicDefinition<T> = {}): Topic<T> {
		const name = `conf-${this.random.name()}`;
		this.#topics.push(name);
		return topic<T>(name, definition);
	}

	/** A group of its own name with the kit's session, from the earliest record. */
	group<T>(broker: Broker, topics: Topic<T> | readonly Topic<T>[], options: Partial<GroupOptions<T>> = {}): ConsumerGroup<T> {
		return this.groupNamed(this.groupName(), broker, topics, options);
	}

	groupName(): string {
		const name = `conf-${this.random.name()}`;
		this.#groups.push(name);
		return name;
	}

	groupNamed<T>(
		name: string,
		broker: Broker,
		topics: Topic<T> | readonly Topic<T>[],
		options: Partial<GroupOptions<T>> = {},
	): ConsumerGroup<T> {
		const list = "name" in topics ? [topics] : topics;
		const group = broker.consumerGroup<T>(name, { topics: list, from: "earliest", sessionTimeoutMs: this.sessionTimeoutMs, ...options });
		return watched(group, this.#recorders);
	}

	/** A history, judged at the end of the check whatever the check itself looks at. */
	recorder(): Recorder {
		const recorder = new Recorder();
		this.#recorders.push(recorder);
		return recorder;
	}

	/** How the check's histories break the contract. Not everything sent has to have been handled. */
	brokenHistories(): string[] {
		return this.#recorders.flatMap((recorder) => recorder.judge({ drained: false }).broken ?? []);
	}

	/** A member in a process of its own, whose history belongs to the recorder's. */
	async spawn(options: ChildOptions, recorder: Recorder): Promise<ChildMember> {
		const child = spawnChild(this.#source.running.config, { sessionTimeoutMs: this.sessionTimeoutMs, ...options });
		this.#children.push(child);
		recorder.adopt(child, options.group);
		await child.ready;
		return child;
	}

	async cleanUp(): Promise<void> {
		for (const child of this.#children) child.kill();
		const closing = this.#brokers.map((broker) =>
			within(5000, "closing after the check", () => broker.close({ deadlineMs: 500 })).catch(() => {}),
		);
		await Promise.all(closing);
		const { config } = this.#source.running;
		const broker = await connect({ log: this.#source.log, ...config });
		try {
			// What a broken backend never answers must not hold up the other checks.
			const brief = (removing: Promise<unknown>) => within(5000, "removing what the check made", () => removing).catch(() => {});
			// A group has a topic; to delete it, any will do.
			const group = (name: string) => broker.consumerGroup(name, { topics: [topic("any")], from: "earliest" });
			for (const name of this.#groups) await brief(group(name).delete());
			for (const name of this.#topics) await brief(broker.topics.delete(name));
		} finally {
			await broker.close({ deadlineMs: 1000 });
		}
	}
}

/** The same broker, reached through a tapped adapter under a scheme of the kit's own. */
function tappedConfig({ harness, running, log }: ContextSource, tap: Tap) {
	const { config } = running;
	const scheme = config.url.slice(0, config.url.indexOf(":"));
	const inner = tapped(harness.adapter, tap);
	const adapter = {
		...inner,
		schemes: ["conformance"],
		create: (target: Parameters<typeof inner.create>[0], context: Parameters<typeof inner.create>[1]) =>
			inner.create({ ...target, url: { ...target.url, scheme } }, context),
	};
	return { log, ...config, url: `conformance${config.url.slice(scheme.length)}`, adapters: { conformance: adapter } };
}

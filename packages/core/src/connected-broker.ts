// The broker an application holds: hands out producers and groups, and closes them in order.
import type { Broker, ReadOptions } from "./api/broker.ts";
import type { ConsumerGroup, GroupOptions, MixedGroupOptions } from "./api/consumer-group.ts";
import type { Message } from "./api/message.ts";
import type { Producer, ProducerGroup, ProducerGroupOptions, ProducerOptions } from "./api/producer.ts";
import type { Topic } from "./api/topic.ts";
import type { Topology, TopologyOptions } from "./api/topology.ts";
import type { Backend } from "./backend.ts";
import type { Capabilities } from "./capabilities.ts";
import { closeOnSignal } from "./close-on-signal.ts";
import { Group, type OpenMember } from "./consumer-group/consumer-group.ts";
import type { GroupCoordinator } from "./driver/group-session.ts";
import { PolylogError } from "./errors.ts";
import { checkName } from "./names.ts";
import { readTopic } from "./read.ts";
import { BrokerTopics } from "./topics.ts";
import { readTopology } from "./topology/topology.ts";
import { createJournalCoordinator } from "./group-journal/index.ts";
import { createProducer, type ProducerParts } from "./producer/producer.ts";
import { createProducerGroup } from "./producer/producer-group.ts";

const CLOSE_DEADLINE_MS = 30_000;

/** Something with an end of its own that the broker must see to. */
interface Closable {
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

export class ConnectedBroker implements Broker {
	readonly topics: BrokerTopics;
	readonly #backend: Backend;
	readonly #coordinator: GroupCoordinator & { close?(): Promise<void> };
	readonly #members = new Set<OpenMember>();
	readonly #producers = new Set<Closable>();
	readonly #ended = new AbortController();
	#closing: Promise<void> | undefined;

	constructor(backend: Backend) {
		this.#backend = backend;
		this.topics = new BrokerTopics(backend);
		const { groups, topics } = backend.driver;
		this.#coordinator =
			groups.kind === "native"
				? groups.coordinator
				: createJournalCoordinator({
						journals: groups.journals,
						topics,
						clock: backend.clock,
						random: backend.random,
						log: backend.log,
						classify: (error) => backend.driver.classify(error),
					});
	}

	get name(): string {
		return this.#backend.driver.name;
	}

	get capabilities(): Capabilities {
		return this.#backend.driver.capabilities;
	}

	producer<T>(topic: Topic<T>, options: ProducerOptions = {}): Producer<T> {
		this.#checkOpen();
		const producer = createProducer(
			topic,
			this.#producerParts(() => this.#producers.delete(producer)),
			options,
		);
		this.#producers.add(producer);
		return producer;
	}

	producerGroup(name: string, options: ProducerGroupOptions = {}): ProducerGroup {
		this.#checkOpen();
		const group = createProducerGroup(
			name,
			this.#producerParts(() => this.#producers.delete(group)),
			options,
		);
		this.#producers.add(group);
		return group;
	}

	consumerGroup<T>(name: string, options: GroupOptions<T>): ConsumerGroup<T>;
	consumerGroup<Values extends readonly unknown[]>(name: string, options: MixedGroupOptions<Values>): ConsumerGroup<Values[number]>;
	consumerGroup(name: string, options: GroupOptions<unknown>): ConsumerGroup<unknown> {
		checkName("consumer group", name);
		this.#checkOpen();
		return new Group<unknown>(name, options, {
			backend: this.#backend,
			coordinator: this.#coordinator,
			ensureTopic: (topic) => this.topics.partitionsOf(topic),
			// Closed by the member that asked for it: it must outlive the handlers.
			// A dead letter is its source and a few headers: whatever fitted there must fit here.
			openProducer: (topic) => createProducer(topic, this.#producerParts(), { maxRecordBytes: Number.MAX_SAFE_INTEGER }),
			onJoined: (member) => {
				this.#checkOpen();
				this.#members.add(member);
			},
			onEnded: (member) => this.#members.delete(member),
		});
	}

	consumerGroups(): Promise<string[]> {
		return this.#backend.patiently("listing consumer groups", () => this.#coordinator.list());
	}

	read<T>(topic: Topic<T>, options: ReadOptions = {}): AsyncIterable<Message<T>> {
		this.#checkOpen();
		return readTopic(this.#backend, topic, options, this.#ended.signal);
	}

	topology(options: TopologyOptions = {}): Promise<Topology> {
		return readTopology(this.#backend, this.#coordinator, options);
	}

	native<N>(): N {
		return this.#backend.driver.native() as N;
	}

	closeOnSignal(options: { readonly deadlineMs?: number } = {}): () => void {
		return closeOnSignal(() => this.close(options), this.#backend.log);
	}

	close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
		const { deadlineMs = CLOSE_DEADLINE_MS } = options;
		if (typeof deadlineMs !== "number" || !(deadlineMs >= 0))
			return Promise.reject(new RangeError(`deadlineMs must be a number of at least 0, not ${deadlineMs}`));
		this.#closing ??= this.#close(deadlineMs);
		return this.#closing;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Ends everything at once without a word to anybody: to the broker and the group this process is dead. */
	destroy(): void {
		this.#closing ??= Promise.resolve();
		this.#ended.abort(new PolylogError("CLOSED", "the broker was destroyed"));
		for (const member of this.#members) member.destroy();
		this.#coordinator.close?.().catch(() => {});
		this.#backend.close();
		this.#backend.driver.destroy();
		// Nothing is sent any more; their timers must not keep the process.
		for (const producer of this.#producers) producer.close({ deadlineMs: 0 }).catch(() => {});
	}

	async #close(deadlineMs: number): Promise<void> {
		const { clock, driver } = this.#backend;
		const end = clock.now() + deadlineMs;
		const left = () => ({ deadlineMs: Math.max(0, end - clock.now()) });
		this.#ended.abort(new PolylogError("CLOSED", "the broker was closed"));
		await Promise.allSettled([...this.#members].map((member) => member.close(left())));
		await Promise.allSettled([...this.#producers].map((producer) => producer.close(left())));
		await this.#coordinator.close?.().catch(() => {});
		// Connections that do not end by themselves must not keep the process.
		const cancel = clock.after(Math.max(1_000, left().deadlineMs), () => driver.destroy());
		this.#backend.close();
		await driver
			.close()
			.catch((error: unknown) => {
				throw this.#backend.wrap(error, "closing the connection");
			})
			.finally(cancel);
	}

	#producerParts(onClosed: () => void = () => {}): ProducerParts {
		const backend = this.#backend;
		return {
			driver: backend.driver,
			clock: backend.clock,
			random: backend.random,
			ensureTopic: async (topic, make) => (make ? this.topics.partitionsOf(topic) : (await this.topics.describe(topic)).partitions.length),
			wrap: backend.wrap.bind(backend),
			onClosed,
		};
	}

	#checkOpen(): void {
		if (this.#closing) throw new PolylogError("CLOSED", `the connection to ${this.name} is closed; connect() again`);
	}
}

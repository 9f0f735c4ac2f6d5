import type { Capabilities, Requirement } from "../capabilities.ts";
import type { Adapter, Retention, TopicDescription } from "../driver/driver.ts";
import type { Log } from "../log.ts";
import type { Position } from "../offset.ts";
import type { ConsumerGroup, GroupOptions, MixedGroupOptions } from "./consumer-group.ts";
import type { Message } from "./message.ts";
import type { Producer, ProducerGroup, ProducerGroupOptions, ProducerOptions } from "./producer.ts";
import type { Topic, TopicShape } from "./topic.ts";
import type { Topology, TopologyOptions } from "./topology.ts";

/** What can be said to `connect` and in polylog.config: which backend, and its options. */
export interface BrokerConfig {
	/** `memory:NAME`, `redis://…`, `kafka://…`, `amqp://…`, or a third party's scheme. */
	readonly url: string;
	/** Packages (or the adapters themselves) for further schemes. */
	readonly adapters?: Readonly<Record<string, string | Adapter>>;
	/** Fails at start with UNSUPPORTED if the backend lacks one. */
	readonly require?: readonly Requirement[];
	/** Names this process to the broker's tools and in `describe`. Default: the host's name and the process id. */
	readonly clientId?: string;
	readonly log?: Log;
	/** The adapter's own options, under its name: `"redis-streams": { prefix: "app:" }`. Unknown ones are an error. */
	readonly [adapter: string]: unknown;
}

/** `polylog.config.{ts,js,mjs,json}`: one BrokerConfig, or several by name (`POLYLOG_ENV` chooses, else `default`). */
export type PolylogConfig = BrokerConfig | { readonly environments: Readonly<Record<string, BrokerConfig>>; readonly default?: string };

export interface Topics {
	/** TOPIC_EXISTS if it does. */
	create(topic: TopicShape | string, options?: { readonly partitions?: number; readonly retention?: Retention }): Promise<void>;
	/** Makes the topic if it does not exist, and describes it. An existing one keeps its shape. */
	ensure(topic: TopicShape | string, options?: { readonly partitions?: number; readonly retention?: Retention }): Promise<TopicDescription>;
	/** TOPIC_NOT_FOUND if there is none. */
	describe(topic: string | { readonly name: string }): Promise<TopicDescription>;
	list(): Promise<string[]>;
	/** Adds partitions: keys may map to other partitions from then on. UNSUPPORTED without `growTopics`. */
	grow(topic: string | { readonly name: string }, partitions: number): Promise<void>;
	/** Deletes its records too. Made again under the same name it is another topic: groups find out. */
	delete(topic: string | { readonly name: string }): Promise<void>;
}

export interface ReadOptions {
	/** Default: all partitions, each in its own order. */
	readonly partition?: number;
	/** Default `"earliest"`. */
	readonly from?: Position;
	/** Ends there (exclusive); `"latest"` is the end at the time of the call. Default: never ends, tails. */
	readonly to?: Position;
	readonly signal?: AbortSignal;
}

/** One connection to one backend. */
export interface Broker extends AsyncDisposable {
	/** "kafka", "rabbitmq", "redis-streams", "memory", or a third party's. */
	readonly name: string;
	readonly capabilities: Capabilities;
	readonly topics: Topics;
	producer<T>(topic: Topic<T>, options?: ProducerOptions): Producer<T>;
	producerGroup(name: string, options?: ProducerGroupOptions): ProducerGroup;
	consumerGroup<T>(name: string, options: GroupOptions<T>): ConsumerGroup<T>;
	/** Topics of several types: a message's value is one of them; `message.partition.topic` tells which. */
	consumerGroup<Values extends readonly unknown[]>(name: string, options: MixedGroupOptions<Values>): ConsumerGroup<Values[number]>;
	consumerGroups(): Promise<string[]>;
	/** Reads without a group: tail, replay, a bounded range. Nothing is committed. */
	read<T>(topic: Topic<T>, options?: ReadOptions): AsyncIterable<Message<T>>;
	/**
	 * Which producer groups feed which topics feed which consumer groups, with rates and lag. Joins nothing and commits
	 * nothing; watches for `watchMs` (default 1 s) and reads the last messages of every partition, so it is for a look
	 * now and then. `topologyMermaid` draws it.
	 */
	topology(options?: TopologyOptions): Promise<Topology>;
	/** The adapter's client: the way out, at your own risk. */
	native<N>(): N;
	/** Closes on SIGINT and SIGTERM, then ends the process with 128 + the signal's number. Returns a function that undoes it. */
	closeOnSignal(options?: { readonly deadlineMs?: number }): () => void;
	/** Closes members, then producers, then the connection, within the deadline (default 30 s). */
	close(options?: { readonly deadlineMs?: number }): Promise<void>;
}

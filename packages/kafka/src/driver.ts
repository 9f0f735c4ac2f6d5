// The Kafka driver: wires its parts together.
import {
	type AppendOutcome,
	type Capabilities,
	type Classification,
	type Driver,
	type DriverContext,
	type Offset,
	type OutgoingRecord,
	type Partition,
	PolylogError,
	type ProducerIdentity,
	type Reader,
	type TopicStore,
} from "@polylog/core/driver";
import { Appender } from "./appender.ts";
import { classify } from "./errors.ts";
import { KafkaCoordinator } from "./group/coordinator.ts";
import { Layout } from "./layout.ts";
import { LogEnds } from "./log/ends.ts";
import { Fetcher } from "./log/fetcher.ts";
import { PartitionReader, type ReaderContext } from "./log/reader.ts";
import type { Settings } from "./options.ts";
import { ProduceQueue } from "./produce-queue.ts";
import { ProducerNumbers } from "./producer-numbers.ts";
import { KafkaTopics } from "./topic-store.ts";
import { KafkajsWire } from "./wire/kafkajs-wire.ts";
import { Network } from "./wire/network.ts";
import type { WireRequest } from "./wire/wire.ts";

/** Nodes from which losing one leaves a majority. */
const QUORUM_NODES = 3;

/** What `native()` gives: any request of Kafka's protocol on this driver's connections. */
export interface KafkaNative {
	/** Sends a request to whichever broker can be reached, or to the one with this id. */
	send<T>(request: WireRequest<T>, node?: number): Promise<T>;
}

export class KafkaDriver implements Driver {
	readonly name = "kafka";
	readonly topics: TopicStore;
	readonly groups: Driver["groups"];
	readonly #settings: Settings;
	readonly #network: Network;
	readonly #layout: Layout;
	readonly #ends: LogEnds;
	readonly #fetcher: Fetcher;
	readonly #reading: ReaderContext;
	readonly #appender: Appender;
	readonly #end = new AbortController();

	constructor(settings: Settings, context: DriverContext) {
		const { clock, clientId } = context;
		this.#settings = settings;
		const wire = new KafkajsWire({ ...settings, clientId }, clock);
		this.#network = new Network(wire, settings, clock);
		this.#layout = new Layout(this.#network, clock, settings.metadataMaxAgeMs);
		this.#ends = new LogEnds(this.#network, this.#layout, clock, settings.committedOnly);
		this.#fetcher = new Fetcher(this.#network, clock, settings.committedOnly);
		this.#reading = {
			fetcher: this.#fetcher,
			layout: this.#layout,
			ends: this.#ends,
			clock,
			fetchBytes: settings.fetchBytes,
			ended: this.#end.signal,
		};
		const queue = new ProduceQueue(this.#network, settings.requestTimeoutMs);
		this.#appender = new Appender(this.#layout, new ProducerNumbers(this.#network, clock), queue, settings);
		this.topics = new KafkaTopics(this.#network, this.#layout, this.#ends, clock, settings);
		this.groups = {
			kind: "native",
			coordinator: new KafkaCoordinator({ ...context, network: this.#network, layout: this.#layout, settings, ended: this.#end.signal }),
		};
	}

	get capabilities(): Capabilities {
		const { replicationFactor, minInSyncReplicas = 1 } = this.#settings;
		const quorum = this.#network.nodes.length >= QUORUM_NODES && replicationFactor >= QUORUM_NODES && minInSyncReplicas >= 2;
		return {
			// Kafka does not wait for the disk: on one node a record survives the broker's death, not the host's.
			durability: quorum ? "quorum" : "process-crash",
			multiProcess: true,
			idempotentAppend: true,
			producerFencing: false,
			headerMultimap: true,
			tombstones: true,
			offsetAt: true,
			growTopics: true,
			commitsOutliveTopic: false,
			nativeGroupView: true,
		};
	}

	async connect(signal?: AbortSignal): Promise<void> {
		try {
			await this.#layout.controller(signal);
		} catch (error) {
			this.destroy();
			throw error;
		}
	}

	async close(): Promise<void> {
		this.destroy();
	}

	destroy(): void {
		if (this.#end.signal.aborted) return;
		const closed = new PolylogError("CLOSED", `the connection to ${this.#settings.display} was closed`);
		this.#end.abort(closed);
		this.#fetcher.close(closed);
		this.#network.destroy();
	}

	append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]> {
		return this.#appender.append(partition, records, producer, signal);
	}

	openReader(partition: Partition, from: Offset): Reader {
		return new PartitionReader(this.#reading, partition, from);
	}

	async offsetAt(partition: Partition, timestampMs: number, signal?: AbortSignal): Promise<Offset> {
		return await this.#ends.at(partition, timestampMs, signal);
	}

	classify(error: unknown): Classification {
		return classify(error);
	}

	native(): KafkaNative {
		return {
			send: (request, node) => (node === undefined ? this.#network.sendAny("admin", request) : this.#network.send(node, "admin", request)),
		};
	}
}

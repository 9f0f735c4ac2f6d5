// The Redis Streams driver: wires its parts together. Four connections to each server that holds logs, however many
// partitions and groups: see servers/.
import {
	type AppendOutcome,
	type Capabilities,
	type Classification,
	type Driver,
	type DriverContext,
	DURABILITY_CLASSES,
	type DurabilityClass,
	type Offset,
	type OutgoingRecord,
	type Partition,
	partitionKey,
	PolylogError,
	type ProducerIdentity,
	type Reader,
	type TopicStore,
} from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { Appender } from "./appender.ts";
import { classify } from "./errors.ts";
import { Gate } from "./gate.ts";
import { RedisJournals } from "./journal-store.ts";
import { findOffsetAt } from "./offset-at.ts";
import type { Settings } from "./options.ts";
import { type ReaderContext, StreamReader } from "./reader.ts";
import { Replication } from "./replication.ts";
import { checkServerFacts, readServerFacts, warnOfUnknowns } from "./server-facts.ts";
import { addressText } from "./servers/client.ts";
import { Cluster } from "./servers/cluster.ts";
import { OnePrimary } from "./servers/one-primary.ts";
import type { Servers } from "./servers/servers.ts";
import { RedisTopics } from "./topic-store.ts";
import { Topology } from "./topology.ts";

/** Replies with records that may be under way at once. */
const READS_AT_ONCE = 16;

/** What `native()` gives: ioredis clients. They are replaced when their connection breaks, so ask each time. */
export interface RedisStreamsNative {
	/** The client that appends; undefined while there is no connection. Of a cluster: one of them. */
	readonly client: Redis | undefined;
	/** Of a cluster: one for each node that serves slots and is connected. */
	readonly clients: readonly Redis[];
}

export class RedisStreamsDriver implements Driver {
	readonly name = "redis-streams";
	readonly topics: TopicStore;
	readonly groups: Driver["groups"];
	readonly #settings: Settings;
	readonly #topology: Topology;
	readonly #servers: Servers;
	readonly #reading: ReaderContext;
	readonly #appender: Appender;
	/** Of each server, as of the latest connection to it. */
	readonly #durability = new Map<string, DurabilityClass>();

	constructor(settings: Settings, context: DriverContext) {
		this.#settings = settings;
		this.#topology = new Topology(settings.prefix, settings.adopt);
		const { clock, random, log } = context;
		const check = (client: Redis) => this.#checkServer(client, log);
		const surroundings = { ...context, settings };
		this.#servers = settings.target.kind === "cluster" ? new Cluster(surroundings, check) : new OnePrimary(surroundings, check);
		const { commands, reads, records, journals } = this.#servers;
		this.#reading = { reads, tail: records, gate: new Gate(READS_AT_ONCE), clock, random };
		const replication = new Replication(settings.minReplicas, settings.minReplicasTimeoutMs);
		this.#appender = new Appender(commands, this.#topology, replication);
		this.topics = new RedisTopics(commands, this.#topology, random);
		const journaling = { commands, tail: journals, replication, topology: this.#topology, clock };
		this.groups = { kind: "journal", journals: new RedisJournals(journaling, this.topics) };
	}

	get capabilities(): Capabilities {
		return {
			durability: weakest([...this.#durability.values()]),
			multiProcess: true,
			idempotentAppend: true,
			producerFencing: true,
			headerMultimap: true,
			tombstones: true,
			offsetAt: true,
			growTopics: true,
			commitsOutliveTopic: true,
			nativeGroupView: true,
		};
	}

	async connect(signal?: AbortSignal): Promise<void> {
		try {
			await this.#servers.connect(signal);
		} catch (error) {
			this.destroy();
			throw error;
		}
	}

	async close(): Promise<void> {
		await this.#servers.close();
	}

	destroy(): void {
		this.#servers.destroy();
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
		return new StreamReader(this.#reading, partition, this.#topology.partition(partition), from);
	}

	async offsetAt(partition: Partition, timestampMs: number, signal?: AbortSignal): Promise<Offset> {
		const keys = this.#topology.partition(partition);
		const offset = await this.#reading.reads.run(keys.stream, (client) => findOffsetAt(client, keys, timestampMs), { signal });
		if (offset !== undefined) return offset;
		throw new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(partition)} does not exist`, {
			topic: partition.topic,
			partition: partition.index,
		});
	}

	classify(error: unknown): Classification {
		return classify(error);
	}

	native(): RedisStreamsNative {
		const { clients } = this.#servers;
		return { client: clients[0], clients };
	}

	async #checkServer(client: Redis, log: DriverContext["log"]): Promise<void> {
		const facts = await readServerFacts(client);
		const { host = "", port = 0 } = client.options;
		const address = addressText({ host, port });
		checkServerFacts(facts, address, this.#settings.target.kind === "cluster" ? "cluster" : "standalone");
		warnOfUnknowns(facts, address, log);
		this.#durability.set(address, facts.durability);
	}
}

function weakest(classes: readonly DurabilityClass[]): DurabilityClass {
	return DURABILITY_CLASSES.find((each) => classes.includes(each)) ?? "none";
}

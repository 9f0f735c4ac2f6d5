// The Redis Streams driver: wires its parts together. Four connections, however many partitions and groups:
// commands (appends, journals, topics), reads, and one blocked waiting each for records and for journal entries.
import {
	type AppendOutcome,
	type Capabilities,
	type Classification,
	type Driver,
	type DriverContext,
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
import { Link, type LinkOptions } from "./link.ts";
import { findOffsetAt } from "./offset-at.ts";
import type { Settings } from "./options.ts";
import { type ReaderContext, StreamReader } from "./reader.ts";
import { Replication } from "./replication.ts";
import { checkServerFacts, readServerFacts, warnOfUnknowns } from "./server-facts.ts";
import { Tail, TAIL_BLOCK_MS } from "./tail.ts";
import { RedisTopics } from "./topic-store.ts";
import { Topology } from "./topology.ts";

/** Replies with records that may be under way at once. */
const READS_AT_ONCE = 16;

/** What `native()` gives: ioredis clients. They are replaced when their connection breaks, so ask each time. */
export interface RedisStreamsNative {
	/** The client that appends; undefined while there is no connection. */
	readonly client: Redis | undefined;
}

export class RedisStreamsDriver implements Driver {
	readonly name = "redis-streams";
	readonly topics: TopicStore;
	readonly groups: Driver["groups"];
	readonly #settings: Settings;
	readonly #topology: Topology;
	readonly #commands: Link;
	readonly #links: readonly Link[];
	readonly #tails: readonly Tail[];
	readonly #reading: ReaderContext;
	readonly #appender: Appender;
	/** As of the latest connection. */
	#durability: DurabilityClass = "none";

	constructor(settings: Settings, context: DriverContext) {
		this.#settings = settings;
		this.#topology = new Topology(settings.prefix, settings.adopt);
		const { clock, random, log } = context;
		const open = (role: string, check: (client: Redis) => Promise<void>, options: LinkOptions = {}) =>
			new Link({ ...context, settings, check }, role, options);
		this.#commands = open("commands", (client) => this.#checkServer(client, log));
		const reads = open("reads", ping, { packed: true });
		const tailOf = (role: string): [Link, Tail] => {
			const link = open(role, (client) => identify(client, tail), { extraTimeoutMs: TAIL_BLOCK_MS });
			const tail: Tail = new Tail(link, this.#commands, clock);
			return [link, tail];
		};
		const [recordLink, recordTail] = tailOf("tail");
		const [journalLink, journalTail] = tailOf("journal-tail");
		this.#links = [this.#commands, reads, recordLink, journalLink];
		this.#tails = [recordTail, journalTail];
		this.#reading = { reads, tail: recordTail, gate: new Gate(READS_AT_ONCE), clock, random };
		const replication = new Replication(settings.minReplicas, settings.minReplicasTimeoutMs);
		this.#appender = new Appender(this.#commands, this.#topology, replication);
		this.topics = new RedisTopics(this.#commands, this.#topology, random);
		const journaling = { commands: this.#commands, tail: journalTail, replication, topology: this.#topology, clock };
		this.groups = { kind: "journal", journals: new RedisJournals(journaling, this.topics) };
	}

	get capabilities(): Capabilities {
		return {
			durability: this.#durability,
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
			// First the one that judges the server: its refusal is the error worth showing.
			await this.#commands.connect(signal);
			await Promise.all(this.#links.slice(1).map((link) => link.connect(signal)));
		} catch (error) {
			this.destroy();
			throw error;
		}
	}

	async close(): Promise<void> {
		for (const tail of this.#tails) tail.close();
		await Promise.all(this.#links.map((link) => link.close()));
	}

	destroy(): void {
		for (const tail of this.#tails) tail.close();
		for (const link of this.#links) link.destroy();
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
		const find = (client: Redis) => findOffsetAt(client, this.#topology.partition(partition), timestampMs);
		const offset = await this.#reading.reads.run(find, signal ? { signal } : {});
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
		return { client: this.#commands.client };
	}

	async #checkServer(client: Redis, log: DriverContext["log"]): Promise<void> {
		const facts = await readServerFacts(client);
		checkServerFacts(facts, this.#settings.display);
		warnOfUnknowns(facts, this.#settings.display, log);
		this.#durability = facts.durability;
	}
}

/** A server that is loading its data accepts connections, and refuses this. */
async function ping(client: Redis): Promise<void> {
	await client.ping();
}

async function identify(client: Redis, tail: Tail): Promise<void> {
	await client.ping();
	try {
		tail.identify(await client.client("ID"));
	} catch (error) {
		if (classify(error).code !== "UNAUTHORIZED") throw error;
		tail.identify(undefined);
	}
}

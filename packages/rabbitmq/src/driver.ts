// The RabbitMQ driver: wires its parts together. Four connections, however many partitions and groups: for publishing
// (which the broker blocks when it is short of memory), for reading, and two for journals and the catalogue.
import {
	type AppendOutcome,
	type Capabilities,
	type Classification,
	type Driver,
	type DriverContext,
	type Offset,
	type OutgoingRecord,
	type Partition,
	partitionKey,
	PolylogError,
	type ProducerIdentity,
	type Reader,
	type TopicStore,
} from "@polylog/core/driver";
import type { ChannelModel } from "amqplib";
import { Appender } from "./appender.ts";
import { Catalogue } from "./catalogue.ts";
import type { Connection } from "./connection.ts";
import { ConsumerPool } from "./consumer-pool.ts";
import { EntryLog } from "./entry-log.ts";
import { classify } from "./errors.ts";
import { RabbitmqJournals } from "./journal-store.ts";
import { Link } from "./link.ts";
import { findOffsetAt } from "./offset-at.ts";
import type { Settings } from "./options.ts";
import { Probe } from "./probe.ts";
import { type ReaderContext, StreamReader } from "./reader.ts";
import { RabbitmqTopics } from "./topic-store.ts";
import { partitionQueue } from "./topology.ts";

/** Of three replicas one may be lost. */
const QUORUM = 3;
/** A reader that nobody asks for so long gives its consumer up. */
const IDLE_MS = 5000;
const LOOK_AROUND_MS = 2500;

/** What `native()` gives: amqplib's connections. They are replaced when they break, so ask each time. */
export interface RabbitmqNative {
	readonly publishing: ChannelModel | undefined;
	readonly reading: ChannelModel | undefined;
}

export class RabbitmqDriver implements Driver {
	readonly name = "rabbitmq";
	readonly topics: TopicStore;
	readonly groups: Driver["groups"];
	readonly capabilities: Capabilities;
	readonly #context: DriverContext;
	readonly #publishing: Link;
	readonly #reading: Link;
	readonly #links: readonly Link[];
	readonly #appender: Appender;
	readonly #catalogue: Catalogue;
	readonly #probe: Probe;
	readonly #readers = new Set<StreamReader>();
	readonly #readerContext: ReaderContext;
	#cancelLooking: (() => void) | undefined;

	constructor(settings: Settings, context: DriverContext) {
		this.#context = context;
		const { clock, random } = context;
		const linkOf = (role: string, replaceBlocked = false) =>
			new Link({ ...context, settings }, { role, replaceBlocked, check: checkVersion });
		this.#publishing = linkOf("publishing");
		this.#reading = linkOf("reading");
		const appending = linkOf("journal-appending", true);
		const tailing = linkOf("journal-reading");
		this.#links = [this.#publishing, this.#reading, appending, tailing];
		this.#probe = new Probe(this.#reading, clock, settings);
		const tailProbe = new Probe(tailing, clock, settings);
		const tailPool = new ConsumerPool({ link: tailing, clock, settings });
		const entries = new EntryLog(appending, clock, random, settings);
		this.#catalogue = new Catalogue({ pool: tailPool, probe: tailProbe, entries, clock, random, settings });
		const topics = new RabbitmqTopics({ catalogue: this.#catalogue, probe: this.#probe, settings });
		this.topics = topics;
		this.#appender = new Appender({ link: this.#publishing, clock, settings, topicExists: (topic) => topics.exists(topic) });
		this.#readerContext = {
			pool: new ConsumerPool({ link: this.#reading, clock, settings }),
			probe: this.#probe,
			clock,
			known: (topic) => this.#catalogue.known("topic", topic),
			readers: this.#readers,
		};
		const journaling = { entries, proofs: new Probe(appending, clock, settings), pool: tailPool, probe: tailProbe, clock, settings };
		this.groups = { kind: "journal", journals: new RabbitmqJournals(journaling, this.#catalogue) };
		this.capabilities = capabilitiesOf(settings);
	}

	async connect(signal?: AbortSignal): Promise<void> {
		try {
			// First one alone: its refusal is the error worth showing.
			await this.#reading.connect(signal);
			await Promise.all(this.#links.filter((link) => link !== this.#reading).map((link) => link.connect(signal)));
			this.#lookAround();
		} catch (error) {
			this.destroy();
			throw error;
		}
	}

	async close(): Promise<void> {
		this.#cancelLooking?.();
		this.#catalogue.close();
		await Promise.all(this.#links.map((link) => link.close()));
	}

	destroy(): void {
		this.#cancelLooking?.();
		this.#catalogue.close();
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
		return new StreamReader(this.#readerContext, partition, from);
	}

	async offsetAt(partition: Partition, timestampMs: number, signal?: AbortSignal): Promise<Offset> {
		const offset = await findOffsetAt(this.#probe, partitionQueue(partition), timestampMs, signal);
		if (offset !== undefined) return offset;
		throw new PolylogError("TOPIC_NOT_FOUND", `${partitionKey(partition)} does not exist`, {
			topic: partition.topic,
			partition: partition.index,
		});
	}

	classify(error: unknown): Classification {
		return classify(error);
	}

	native(): RabbitmqNative {
		return { publishing: this.#publishing.connection?.model, reading: this.#reading.connection?.model };
	}

	#lookAround(): void {
		const { clock } = this.#context;
		this.#cancelLooking = clock.after(LOOK_AROUND_MS, () => {
			const since = clock.now() - IDLE_MS;
			for (const reader of this.#readers) reader.pauseIfIdleSince(since);
			this.#lookAround();
		});
	}
}

function capabilitiesOf({ replicas }: Settings): Capabilities {
	return {
		// Streams are written to the page cache of each replica and not flushed.
		durability: replicas !== undefined && replicas >= QUORUM ? "quorum" : "process-crash",
		multiProcess: true,
		idempotentAppend: false,
		producerFencing: false,
		headerMultimap: true,
		tombstones: true,
		offsetAt: true,
		growTopics: true,
		nativeGroupView: false,
		commitsOutliveTopic: true,
	};
}

function checkVersion({ model, host }: Connection): void {
	const { product, version } = model.connection.serverProperties;
	const [major = 0, minor = 0] = version.split(".").map(Number);
	if (product === "RabbitMQ" && (major > 3 || (major === 3 && minor >= 10))) return;
	throw new PolylogError("UNSUPPORTED", `${host} runs ${product} ${version}; RabbitMQ 3.10 or later is needed`);
}

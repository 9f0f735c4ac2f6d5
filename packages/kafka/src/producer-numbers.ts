// The numbers by which brokers recognize repeated batches: one Kafka producer id for each of core's producers, and one
// line of numbers for each partition. A number is used again only for the same batch, or for another one if it is certain
// that nothing was stored under it. Where that cannot be told, the line goes on under a new producer id.
import { type Clock, type Partition, partitionKey, type ProducerIdentity } from "@polylog/core/driver";
import type { BatchProducer } from "./log/batch-writer.ts";
import { initProducerIdRequest, type ProducerId } from "./wire/api/produce.ts";
import type { Network } from "./wire/network.ts";
import { patiently } from "./wire/patience.ts";

/** Of lines that nothing is under way in, the oldest are forgotten; they would go on under a new producer id. */
const MAX_LINES = 20_000;
/** Kafka's numbers are 31 bits wide and begin again at 0. */
const WRAP = 2 ** 31;
/** A broker that starts hands out producer ids a little later. */
const PATIENCE_MS = 5_000;
/** A broker remembers this many batches of a producer in a partition. */
const REMEMBERED = 5;

/** The first record's number, as core counts and as Kafka was told. */
interface Batch {
	readonly core: number;
	readonly kafka: number;
}

export class ProducerNumbers {
	readonly #network: Network;
	readonly #clock: Clock;
	readonly #ids = new Map<string, Promise<ProducerId>>();
	readonly #lines = new Map<string, SequenceLine>();

	constructor(network: Network, clock: Clock) {
		this.#network = network;
		this.#clock = clock;
	}

	/** The line of one producer in one partition. */
	line({ id, epoch, sequence }: ProducerIdentity, partition: Partition): SequenceLine {
		const producer = `${id} ${epoch}`;
		const key = `${producer} ${partitionKey(partition)}`;
		let line = this.#lines.get(key);
		if (!line) this.#lines.set(key, (line = new SequenceLine()));
		if (this.#lines.size > MAX_LINES) this.#forgetOldest(line);
		line.turnTo(sequence);
		return line;
	}

	/** Gives the line a producer id if it has none. */
	async prepare(line: SequenceLine, { id, epoch }: ProducerIdentity, signal?: AbortSignal): Promise<void> {
		if (line.needsId) line.start(line.used ? await this.#newId(signal) : await this.#sharedId(`${id} ${epoch}`, signal));
	}

	#sharedId(producer: string, signal: AbortSignal | undefined): Promise<ProducerId> {
		const known = this.#ids.get(producer);
		if (known) return known;
		const asked = this.#newId(signal);
		this.#ids.set(producer, asked);
		asked.catch(() => this.#ids.delete(producer));
		return asked;
	}

	#newId(signal: AbortSignal | undefined): Promise<ProducerId> {
		return patiently(this.#clock, PATIENCE_MS, () => this.#network.sendAny("admin", initProducerIdRequest(), { signal }), signal);
	}

	#forgetOldest(except: SequenceLine): void {
		for (const [key, line] of this.#lines) {
			if (line === except || line.doubtful) continue;
			this.#lines.delete(key);
			// Its producer id may have numbers in this partition that a new line would use again.
			this.#ids.delete(key.slice(0, key.lastIndexOf(" ")));
			return;
		}
	}
}

export class SequenceLine {
	#producer: ProducerId | undefined;
	/** Kafka's number for the next new batch. */
	#next = 0;
	/** Core's number of the batch that was attempted last, and Kafka's. */
	#batch: Batch = { core: -1, kafka: 0 };
	/** Batches known to be stored: core repeats one if its own caller did not hear of that. */
	#known: Batch[] = [];
	/** An attempt at that batch ended without an answer. */
	#doubtful = false;
	/** An attempt is under way. */
	#flying = false;
	#used = false;

	get needsId(): boolean {
		return this.#producer === undefined;
	}

	/** Whether it had a producer id before: then the producer's shared one is spoilt for it. */
	get used(): boolean {
		return this.#used;
	}

	/** Whether a batch may be stored without this having heard of it. */
	get doubtful(): boolean {
		return this.#doubtful || this.#flying;
	}

	/** Before an attempt at the batch that begins with core's `sequence`. If core gave up a doubtful one before, its number
	 *  is burnt, and the line goes on under a new producer id. */
	turnTo(sequence: number): void {
		if (this.#doubtful && this.#batch.core !== sequence) this.renew();
		this.#batch = this.#known.find(({ core }) => core === sequence) ?? { core: sequence, kafka: this.#next };
	}

	start(producer: ProducerId): void {
		this.#producer = producer;
		this.#used = true;
		this.#next = 0;
		this.#known = [];
		this.#batch = { core: this.#batch.core, kafka: 0 };
	}

	numbers(): BatchProducer {
		const producer = this.#producer;
		if (!producer) throw new Error("a line of numbers is used before it has a producer id");
		return { ...producer, sequence: this.#batch.kafka };
	}

	sent(): void {
		this.#flying = true;
	}

	stored(records: number): void {
		this.#flying = false;
		this.#doubtful = false;
		if (this.#known.includes(this.#batch)) return;
		this.#known = [...this.#known.slice(1 - REMEMBERED), this.#batch];
		this.#next = (this.#next + records) % WRAP;
	}

	/** This attempt stored nothing. Returns whether an earlier one of the same batch is in doubt. */
	refused(): boolean {
		this.#flying = false;
		return this.#doubtful;
	}

	/** The attempt ended without an answer, if one was under way. */
	unanswered(): void {
		this.#doubtful ||= this.#flying;
		this.#flying = false;
	}

	/** Goes on under a new producer id. */
	renew(): void {
		this.#producer = undefined;
		this.#doubtful = false;
	}
}

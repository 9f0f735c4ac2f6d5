// A producer group's member: one identity and one count of sequences for all it sends.
import type { Producer, ProducerGroup, ProducerGroupOptions, ProducerOptions } from "../api/producer.ts";
import type { Topic } from "../api/topic.ts";
import type { Clock, Random } from "../clock.ts";
import type { OutgoingRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import { checkName } from "../names.ts";
import { type ProducerLimits, producerLimits } from "./limits.ts";
import { type ProducerParts, TopicProducer } from "./producer.ts";

export const PRODUCER_GROUP_HEADER = "x-polylog-producer-group";
export const PRODUCER_HEADER = "x-polylog-producer";
export const SEQUENCE_HEADER = "x-polylog-sequence";

const OWN_HEADERS: ReadonlySet<string> = new Set([PRODUCER_GROUP_HEADER, PRODUCER_HEADER, SEQUENCE_HEADER]);

export function createProducerGroup(name: string, parts: ProducerParts, options: ProducerGroupOptions = {}): ProducerGroup {
	checkName("producer group", name);
	const { memberId, fenced, ...producerOptions } = options;
	if (memberId !== undefined) checkName("member of a producer group", memberId);
	if (fenced === true) checkFencing(name, parts, memberId);
	return new GroupMember(name, parts, { memberId: memberId ?? parts.random.hex(8), fenced: fenced === true, producerOptions });
}

function checkFencing(name: string, { driver }: ProducerParts, memberId: string | undefined): void {
	if (!driver.capabilities.producerFencing) {
		throw new PolylogError(
			"UNSUPPORTED",
			`producer group "${name}" asks for \`fenced\`, and the backend cannot refuse an older producer (capability producerFencing): leave it out, or choose a backend that can (docs/guarantees.md)`,
		);
	}
	if (memberId === undefined)
		throw new TypeError(`producer group "${name}" asks for \`fenced\`, which needs a memberId: it names the member across restarts`);
}

/** What is open for one topic, whatever its values are. */
interface Open {
	readonly topic: { readonly name: string; readonly definition: object };
	readonly limits: ProducerLimits;
	readonly producer: Pick<TopicProducer<unknown>, "closed" | "close" | "idle" | "fence">;
}

interface OpenFor<T> extends Open {
	readonly topic: Topic<T>;
	readonly producer: TopicProducer<T>;
}

class GroupMember implements ProducerGroup {
	readonly name: string;
	readonly memberId: string;
	readonly #parts: ProducerParts;
	readonly #options: ProducerOptions;
	readonly #id: string;
	readonly #epoch: number;
	/** By topic: the next sequence of each partition. They go on when a producer is closed and another opened. */
	readonly #sequences = new Map<string, number[]>();
	readonly #open = new Map<string, Open>();
	#fencedBy: PolylogError | undefined;
	#closing: Promise<void> | undefined;

	constructor(
		name: string,
		parts: ProducerParts,
		options: { readonly memberId: string; readonly fenced: boolean; readonly producerOptions: ProducerOptions },
	) {
		const { memberId, fenced, producerOptions } = options;
		producerLimits(producerOptions);
		this.name = name;
		this.memberId = memberId;
		this.#parts = parts;
		this.#options = producerOptions;
		// Two members that were given one id by mistake must not be taken for one producer whose appends repeat;
		// a fenced one is that producer, and its epoch tells the incarnations apart.
		this.#id = fenced ? `${name}/${memberId}` : parts.random.hex(16);
		this.#epoch = fenced ? nextEpoch(parts.clock, parts.random) : 0;
	}

	producer<T>(topic: Topic<T>, options: ProducerOptions = {}): Producer<T> {
		if (this.#closing) throw new PolylogError("CLOSED", `producer group "${this.name}" is closed; use a new one`);
		const limits = producerLimits({ ...this.#options, ...options });
		const before = this.#open.get(topic.name);
		if (before && !before.producer.closed) {
			if (isFor(before, topic) && sameLimits(before.limits, limits)) return before.producer;
			throw new TypeError(
				`producer group "${this.name}" already has a producer for topic ${topic.name}, with another definition or other options: close it first`,
			);
		}
		const producer = this.#create(topic, limits, before?.producer);
		this.#open.set(topic.name, { topic, limits, producer });
		if (this.#fencedBy) producer.fence(this.#fencedBy);
		return producer;
	}

	close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
		this.#closing ??= Promise.all([...this.#open.values()].map(({ producer }) => producer.close(options))).then(() =>
			this.#parts.onClosed?.(),
		);
		return this.#closing;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#create<T>(topic: Topic<T>, limits: ProducerLimits, before: Open["producer"] | undefined): TopicProducer<T> {
		const sequences = this.#sequences.get(topic.name) ?? [];
		this.#sequences.set(topic.name, sequences);
		const { ensureTopic } = this.#parts;
		const parts: ProducerParts = {
			...this.#parts,
			// A producer that was closed over a hanging append leaves it under way, and there may be only one.
			ensureTopic: async (asked, make) => {
				await before?.idle();
				return ensureTopic(asked, make);
			},
			identity: { id: this.#id, epoch: this.#epoch, sequences, stamp: (record, sequence) => this.#stamp(record, sequence) },
			onFenced: (error) => this.#fenced(error),
			onClosed: () => {},
		};
		return new TopicProducer(topic, parts, limits);
	}

	#fenced(error: PolylogError): void {
		this.#fencedBy = error;
		for (const { producer } of this.#open.values()) producer.fence(error);
	}

	#stamp(record: OutgoingRecord, sequence: number): OutgoingRecord {
		const { key, value, timestamp } = record;
		const given = record.headers.length === 0 ? record.headers : record.headers.filter(([name]) => !OWN_HEADERS.has(name));
		return {
			key,
			value,
			timestamp,
			headers: [...given, [PRODUCER_GROUP_HEADER, this.name], [PRODUCER_HEADER, this.memberId], [SEQUENCE_HEADER, String(sequence)]],
		};
	}
}

/** One definition is one type of values. */
function isFor<T>(open: Open, topic: Topic<T>): open is OpenFor<T> {
	return open.topic.name === topic.name && open.topic.definition === topic.definition;
}

function sameLimits(a: ProducerLimits, b: ProducerLimits): boolean {
	return Object.entries(a).every(([name, value]) => Reflect.get(b, name) === value);
}

/** The last epoch of this process: two groups made in one millisecond differ too. */
let lastEpoch = 0;

/** Rises with each incarnation, as long as the wall clocks of the hosts agree. The fraction parts two hosts in one millisecond. */
function nextEpoch(clock: Clock, random: Random): number {
	lastEpoch = Math.max(lastEpoch + 1, Math.floor(clock.wall()) * 1000 + Math.floor(random.fraction() * 1000));
	return lastEpoch;
}

// Appends records that failed for good to a dead-letter topic, as they are stored, with the reason in their headers.
import type { Producer } from "../api/producer.ts";
import type { Codec, Topic } from "../api/topic.ts";
import type { RawHeaders, RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { topic } from "../topic.ts";

/** Values as they are, tombstones included. */
const STORED: Codec<Uint8Array | null> = { name: "stored", encode: (value) => value, decode: (value) => value };

/** Longest reason kept: headers are bounded. */
const REASON_LENGTH = 500;

export class DeadLetterWriter {
	readonly #group: string;
	readonly #partitionsOf: (topic: string) => Promise<number>;
	readonly #open: (topic: Topic<Uint8Array | null>) => Producer<Uint8Array | null>;
	readonly #producers = new Map<string, Promise<Producer<Uint8Array | null>>>();
	readonly #opened: Producer<Uint8Array | null>[] = [];
	#closed = false;

	constructor(parts: {
		readonly group: string;
		readonly partitionsOf: (topic: string) => Promise<number>;
		readonly open: (topic: Topic<Uint8Array | null>) => Producer<Uint8Array | null>;
	}) {
		this.#group = parts.group;
		this.#partitionsOf = parts.partitionsOf;
		this.#open = parts.open;
	}

	/** Resolves when the record is durable there. A crash before the commit leaves it there and repeats it: two copies, never none. */
	async write(target: string, source: Partition, record: RawRecord, error: PolylogError): Promise<void> {
		const producer = await this.#producer(target, source.topic);
		await producer.send(record.value, {
			headers: [...record.headers.filter(([name]) => !name.startsWith("x-polylog-error")), ...this.#reason(source, record, error)],
			timestamp: record.timestamp,
			...(record.key === undefined ? {} : { key: record.key }),
		});
	}

	async close(deadlineMs: number): Promise<void> {
		this.#closed = true;
		await Promise.allSettled(this.#opened.map((producer) => producer.close({ deadlineMs })));
	}

	#reason(source: Partition, record: RawRecord, error: PolylogError): RawHeaders {
		return [
			["x-polylog-error", `${error.code}: ${error.message}`.slice(0, REASON_LENGTH)],
			["x-polylog-error-partition", partitionKey(source)],
			["x-polylog-error-offset", record.offset.toString()],
			["x-polylog-error-group", this.#group],
			["x-polylog-error-attempts", String(error.context.attempt ?? 1)],
		];
	}

	#producer(target: string, source: string): Promise<Producer<Uint8Array | null>> {
		const known = this.#producers.get(target);
		if (known) return known;
		const opened = this.#partitionsOf(source).then((partitions) => {
			if (this.#closed) throw new PolylogError("CLOSED", `dead letters for ${target} are no longer written: the member is closed`);
			const producer = this.#open(topic(target, { partitions, codec: STORED }));
			this.#opened.push(producer);
			return producer;
		});
		opened.catch(() => this.#producers.delete(target));
		this.#producers.set(target, opened);
		return opened;
	}
}

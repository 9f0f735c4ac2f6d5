// What happened to each partition, in words that are the same on every backend: no offsets, no fences, no times.
import type { Broker, Message, Partition, RawRecord, Topic } from "@polylog/core";
import { readableBytes } from "../stored-message.ts";

/** Lines by the partition's index. */
export type History = readonly (readonly string[])[];

/** A record in one line. Offsets, in headers and texts of errors, become the record's number in its partition. */
export function recordLine(record: RawRecord, numberOf: (offset: bigint) => number): string {
	const number = (offset: string) => `#${numberOf(BigInt(offset))}`;
	const headers = record.headers.map(([name, value]) => {
		const text = readableBytes(value);
		if (name === "x-polylog-error-offset") return `${name}=${number(text)}`;
		return `${name}=${text.replaceAll(/(?<=offset )\d+/g, number)}`;
	});
	const key = record.key === undefined ? "(no key)" : readableBytes(record.key);
	const value = record.value === null ? "(tombstone)" : readableBytes(record.value);
	return `${key} ${value} [${headers.join(", ")}]`;
}

export class HistoryBook {
	readonly #lines: string[][];
	readonly #fences: bigint[][];
	/** Offsets in the order they were first handed out: what makes numbers of them. */
	readonly #offsets: bigint[][];

	constructor(partitions: number) {
		const empty = <T>() => Array.from({ length: partitions }, (): T[] => []);
		this.#lines = empty();
		this.#fences = empty();
		this.#offsets = empty();
	}

	get lines(): History {
		return this.#lines;
	}

	/** As they were seen, by the partition's index. */
	get fences(): readonly (readonly bigint[])[] {
		return this.#fences;
	}

	handed({ partition, offset, raw, fence, attempt }: Message<unknown>): void {
		const offsets = this.#offsets[partition.index];
		if (offsets && !offsets.includes(offset)) offsets.push(offset);
		this.#fences[partition.index]?.push(fence);
		const number = this.numberOf(partition, offset);
		this.#lines[partition.index]?.push(
			`handed #${number} attempt ${attempt}: ${recordLine(raw, (other) => this.numberOf(partition, other))}`,
		);
	}

	/** A line in every partition, or what `each` says of it. */
	step(text: string, each: (index: number) => string = () => ""): void {
		for (const [index, lines] of this.#lines.entries()) lines.push(`== ${text}${each(index)}`);
	}

	/** How many of the partition's records that were handed out are below the offset. */
	numberOf({ index }: Pick<Partition, "index">, offset: bigint): number {
		return this.#offsets[index]?.filter((one) => one < offset).length ?? 0;
	}

	offsetOf(index: number, number: number): bigint {
		const offset = this.#offsets[index]?.[number];
		if (offset === undefined) throw new RangeError(`partition ${index} has no record #${number}`);
		return offset;
	}

	/** The lines of a topic as it is stored now; offsets in them are of `source`. */
	async stored(broker: Broker, topic: Topic<unknown>): Promise<History> {
		const { partitions } = await broker.topics.describe(topic);
		const lines: string[][] = partitions.map(() => []);
		for await (const { partition, raw } of broker.read(topic, { to: "latest" }))
			lines[partition.index]?.push(recordLine(raw, (offset) => this.numberOf(partition, offset)));
		return lines;
	}
}

// Reads one partition, and skips nothing in silence.
import { type Credit, offsetOutOfRange, type Partition, PolylogError, type RawRecord, type Reader } from "@polylog/core/driver";
import type { Folder } from "./folder.ts";
import { readLines, sizeOf } from "./line-file.ts";
import { recordOf } from "./record-line.ts";
import { rangeOf, shapeOf } from "./topics.ts";

const PAGE = 64 * 1024;

export class FileReader implements Reader {
	readonly #folder: Folder;
	readonly #partition: Partition;
	#next: bigint;
	/** Of the topic it began on. */
	#id: string | undefined;
	readonly #closed = new AbortController();

	constructor(folder: Folder, partition: Partition, from: bigint) {
		this.#folder = folder;
		this.#partition = partition;
		this.#next = from;
	}

	get position(): bigint {
		return this.#next;
	}

	async fetch(credit: Credit, signal?: AbortSignal): Promise<readonly RawRecord[]> {
		await this.#folder.turn();
		const path = this.#folder.partition(this.#partition);
		let page = this.#take(credit);
		if (page.length === 0) {
			await this.#folder.grown(path, sizeOf(path), 1000, signal, this.#closed.signal);
			page = this.#take(credit);
		}
		return page;
	}

	async close(): Promise<void> {
		this.#closed.abort();
	}

	#take(credit: Credit): RawRecord[] {
		const { topic, index } = this.#partition;
		const shape = shapeOf(this.#folder, topic);
		if (!shape || index >= shape.partitions) throw new PolylogError("TOPIC_NOT_FOUND", `there is no ${topic}/${index}`, { topic });
		this.#id ??= shape.id;
		const { earliest, end } = rangeOf(this.#folder, this.#partition);
		const range = { requested: this.#next, earliest, end };
		if (this.#id !== shape.id) throw offsetOutOfRange(this.#partition, range, "the topic was deleted and made again");
		if (this.#next < earliest) throw offsetOutOfRange(this.#partition, range, "retention removed it");
		if (this.#next > end) throw offsetOutOfRange(this.#partition, range, "it lies beyond the end");
		const page: RawRecord[] = [];
		let bytes = 0;
		for (const line of readLines(this.#folder.partition(this.#partition), Number(this.#next), Math.min(credit.bytes, PAGE))) {
			if (page.length === credit.records || bytes >= credit.bytes) break;
			page.push(recordOf(line));
			bytes += line.text.length;
			this.#next = BigInt(line.at) + 1n;
		}
		return page;
	}
}

// How large the waiting messages of each partition are, from the oldest of them.
import type { Backend } from "../backend.ts";
import { isPolylogError } from "../errors.ts";
import { partitionContext } from "../partition-context.ts";
import { partitionKey } from "../partition.ts";
import { PartitionMap } from "../partition-map.ts";
import { recordBytes } from "../record-bytes.ts";
import type { PartitionSample } from "./samples.ts";

/** Enough for an average, little enough to be read again and again. */
const SAMPLE = { records: 50, bytes: 64 * 1024 };
/** How long an average holds. */
const FRESH_MS = 10_000;

interface Size {
	readonly atMs: number;
	readonly bytes: number;
}

export class MessageSizes {
	readonly #backend: Backend;
	readonly #sizes = new PartitionMap<Size>();

	constructor(backend: Backend) {
		this.#backend = backend;
	}

	/** Bytes per message; `undefined`: none could be read. */
	of({ partition }: PartitionSample): number | undefined {
		return this.#sizes.get(partition)?.bytes;
	}

	/** Reads from the partitions that have something waiting and no fresh average. */
	async read(partitions: readonly PartitionSample[]): Promise<void> {
		const now = this.#backend.clock.now();
		const isFresh = ({ partition }: PartitionSample) => now - (this.#sizes.get(partition)?.atMs ?? Number.NEGATIVE_INFINITY) < FRESH_MS;
		await Promise.all(
			partitions
				.filter((sample) => sample.position !== undefined && sample.position < sample.end && !isFresh(sample))
				.map(async (sample) => {
					const bytes = await this.#average(sample);
					if (bytes !== undefined) this.#sizes.set(sample.partition, { atMs: now, bytes });
				}),
		);
	}

	async #average({ partition, position = 0n }: PartitionSample): Promise<number | undefined> {
		const reader = this.#backend.driver.openReader(partition, position);
		try {
			const doing = `reading ${partitionKey(partition)}`;
			const records = await this.#backend.attempt(doing, () => reader.fetch(SAMPLE), partitionContext(partition));
			if (records.length === 0) return undefined;
			return records.reduce((sum, record) => sum + recordBytes(record), 0) / records.length;
		} catch (error) {
			// Retention has just overtaken it.
			if (isPolylogError(error, "OFFSET_OUT_OF_RANGE")) return undefined;
			throw error;
		} finally {
			await reader.close().catch(() => {});
		}
	}
}

// The embedded backend has no client of its own: its driver, called directly, shows what core costs.
import { silentLog } from "@polylog/core";
import type { Driver, OutgoingRecord, Reader } from "@polylog/core/driver";
import { memoryAdapter, systemClock, systemRandom } from "@polylog/core/testing";
import { BATCH, type Contender, type Echo, inWorkers, PARTITIONS, type Taking, VALUE } from "../contender.ts";
import type { Tally } from "../tally.ts";

const URL = { scheme: "memory", hosts: [], username: undefined, password: undefined, params: new Map(), display: "memory:raw" };
const CREDIT = { records: BATCH, bytes: 4 * 1024 * 1024 };

export class RawMemory implements Contender {
	readonly how = "the memory driver, called directly: append, fetch";
	readonly #driver: Driver = memoryAdapter.create(
		{ url: { ...URL, path: "raw" }, options: {} },
		{ clock: systemClock, random: systemRandom, log: silentLog, clientId: "bench" },
	);
	readonly #sequences = new Map<string, number>();

	async create(topic: string): Promise<void> {
		await this.#driver.topics.create(topic, { partitions: PARTITIONS });
	}

	async remove(topic: string): Promise<void> {
		await this.#driver.topics.delete(topic);
	}

	async produce(topic: string, count: number): Promise<void> {
		await inWorkers(count, (partition, values) => this.#append(topic, partition, values));
	}

	async consume(topic: string, taking: Taking, tally: Tally): Promise<void> {
		await this.#read(topic, tally.done, (records) => {
			if (taking === "batches") tally.batch(records);
			else for (const record of records) tally.message(record);
		});
	}

	async echo(topic: string, arrived: () => void): Promise<Echo> {
		const over = Promise.withResolvers<void>();
		const reading = this.#read(topic, over.promise, (records) => records.forEach(arrived));
		return {
			send: (at) => this.#append(topic, at % PARTITIONS, 1),
			async [Symbol.asyncDispose]() {
				over.resolve();
				await reading;
			},
		};
	}

	async #append(topic: string, index: number, values: number): Promise<void> {
		const producer = `${topic}-${index}`;
		const sequence = this.#sequences.get(producer) ?? 0;
		this.#sequences.set(producer, sequence + values);
		const record: OutgoingRecord = { key: undefined, value: VALUE, headers: [], timestamp: systemClock.now() };
		const records = Array.from({ length: values }, () => ({ ...record }));
		const outcomes = await this.#driver.append({ topic, index }, records, { id: producer, epoch: 0, sequence });
		for (const outcome of outcomes) if (outcome.status !== "ok") throw outcome.error;
	}

	/** Every partition side by side, until `over`. */
	async #read(topic: string, over: Promise<void>, handle: (records: Awaited<ReturnType<Reader["fetch"]>>) => void): Promise<void> {
		const ending = new AbortController();
		const read = async (_: unknown, index: number) => {
			const reader = this.#driver.openReader({ topic, index }, 0n);
			while (!ending.signal.aborted) handle(await reader.fetch(CREDIT, ending.signal));
		};
		const reading = Promise.allSettled(Array.from({ length: PARTITIONS }, read));
		await Promise.race([over, reading]);
		ending.abort(new Error("measured"));
		await reading;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#driver.close();
	}
}

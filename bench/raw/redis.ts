// ioredis: pipelined XADD, one XREAD over all partitions with the next one on its way while this one is handled, XREAD BLOCK
// on a second connection to wait. One field an entry, and no more than that is parsed.
import { Redis } from "ioredis";
import { BATCH, type Contender, type Echo, inWorkers, PARTITIONS, type Taking, VALUE } from "../contender.ts";
import type { Tally } from "../tally.ts";

interface Entry {
	readonly id: string;
	readonly value: Buffer;
}

type Reply = readonly (readonly [stream: Buffer, entries: readonly (readonly [id: Buffer, fields: readonly Buffer[]])[]])[];

const INDICES = Array.from({ length: PARTITIONS }, (_, index) => index);

export class RawRedis implements Contender {
	readonly how = `ioredis: pipelines of ${BATCH} XADD; XREAD COUNT ${BATCH} over all partitions, one ahead; XREAD BLOCK for latency`;
	readonly #commands: Redis;
	readonly #reads: Redis;

	constructor(url: string) {
		this.#commands = new Redis(url, { protocol: 2 });
		this.#reads = new Redis(url, { protocol: 2 });
	}

	/** Streams come with their first entry. */
	async create(): Promise<void> {}

	async remove(topic: string): Promise<void> {
		await this.#commands.del(...INDICES.map((index) => key(topic, index)));
	}

	async produce(topic: string, count: number): Promise<void> {
		await inWorkers(count, async (partition, values) => {
			const pipeline = this.#commands.pipeline();
			for (let i = 0; i < values; i++) pipeline.xadd(key(topic, partition), "*", "value", VALUE);
			for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
		});
	}

	async consume(topic: string, taking: Taking, tally: Tally): Promise<void> {
		const cursors = new Map(INDICES.map((index) => [key(topic, index), "0-0"]));
		let next = this.#read(cursors);
		while (!tally.full) {
			const partitions = take(await next, cursors);
			next = this.#read(cursors);
			for (const entries of partitions) {
				if (taking === "batches") tally.batch(entries);
				else for (const entry of entries) tally.message(entry);
			}
		}
		await next;
	}

	async echo(topic: string, arrived: () => void): Promise<Echo> {
		const cursors = new Map(INDICES.map((index) => [key(topic, index), "0-0"]));
		let over = false;
		const reading = (async () => {
			while (!over) for (const entries of take(await this.#read(cursors, 100), cursors)) for (const _ of entries) arrived();
		})();
		return {
			send: (at) => this.#commands.xadd(key(topic, at % PARTITIONS), "*", "value", VALUE),
			async [Symbol.asyncDispose]() {
				over = true;
				await reading;
			},
		};
	}

	async #read(cursors: ReadonlyMap<string, string>, blockMs?: number): Promise<Reply> {
		const block = blockMs === undefined ? [] : ["BLOCK", blockMs];
		const reply = await this.#reads.callBuffer("XREAD", "COUNT", BATCH, ...block, "STREAMS", ...cursors.keys(), ...cursors.values());
		return (reply ?? []) as Reply;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#commands.disconnect();
		this.#reads.disconnect();
	}
}

function key(topic: string, partition: number): string {
	return `raw:{${topic}:${partition}}`;
}

/** The entries of each stream, parsed, and the cursors moved behind them. */
function take(reply: Reply, cursors: Map<string, string>): Entry[][] {
	return reply.map(([stream, raw]) => {
		const entries: Entry[] = [];
		for (const [id, [, value]] of raw) if (value) entries.push({ id: id.toString("latin1"), value });
		const last = entries.at(-1);
		if (last) cursors.set(stream.toString(), last.id);
		return entries;
	});
}

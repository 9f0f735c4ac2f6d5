// What is compared: the library, and a broker's raw client driven as an expert would. Both do the same work in the same shape.
import type { Tally } from "./tally.ts";

export type Taking = "messages" | "batches";

/** One at a time: `send` resolves when the broker confirmed; the receiver's handler is told separately. */
export interface Echo extends AsyncDisposable {
	send(at: number): Promise<unknown>;
}

export interface Contender extends AsyncDisposable {
	/** What it is and how it is driven, for the report. */
	readonly how: string;
	create(topic: string): Promise<void>;
	/** Everything that `create` and `produce` left on the broker. */
	remove(topic: string): Promise<void>;
	/** PARTITIONS workers at once, each appending BATCH values a time to its own partition and waiting for the broker's word. */
	produce(topic: string, count: number): Promise<void>;
	/** Reads from the beginning, all partitions, until the tally is full. */
	consume(topic: string, taking: Taking, tally: Tally): Promise<void>;
	/** `arrived` is the handler: called with each message. */
	echo(topic: string, arrived: () => void): Promise<Echo>;
}

export const PARTITIONS = 4;
/** Values in one call of a producer, and the most in one handler's batch. */
export const BATCH = 500;
export const VALUE_BYTES = 200;
export const VALUE = Buffer.alloc(VALUE_BYTES, "x");

/** Calls `append` with every partition's share, BATCH values a time, all partitions at once. `count` divides evenly. */
export async function inWorkers(count: number, append: (partition: number, values: number) => Promise<unknown>): Promise<void> {
	const share = count / PARTITIONS;
	const worker = async (_: unknown, partition: number) => {
		for (let left = share; left > 0; left -= BATCH) await append(partition, Math.min(left, BATCH));
	};
	await Promise.all(Array.from({ length: PARTITIONS }, worker));
}

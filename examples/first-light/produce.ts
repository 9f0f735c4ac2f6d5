// The producing side: sends every flight once, and keeps the books that the processed records are compared with.
import type { Producer } from "@polylog/core";
import { type Flight, flightHash } from "./flights.ts";
import { Tally } from "./tally.ts";

/** Enough to keep every partition's batches full; the next are sent when these are durable. */
const CHUNK = 4_000;

export interface Source {
	/** What the broker confirmed, by the partition it named. */
	readonly tally: Tally;
	/** Messages that were not stored, or of which the broker did not say so. */
	unconfirmed: number;
}

export function emptySource(): Source {
	return { tally: new Tally(), unconfirmed: 0 };
}

export async function produce(producer: Producer<Flight>, flights: readonly Flight[], source: Source, signal: AbortSignal): Promise<void> {
	for (let at = 0; at < flights.length; at += CHUNK) {
		signal.throwIfAborted();
		const chunk = flights.slice(at, at + CHUNK);
		const receipts = await producer.sendBatch(
			chunk.map((value) => ({ value })),
			{ signal },
		);
		for (const [index, flight] of chunk.entries()) {
			const receipt = receipts[index];
			if (receipt?.status === "ok") source.tally.add(receipt.partition.index, flightHash(flight));
			else source.unconfirmed++;
		}
	}
}

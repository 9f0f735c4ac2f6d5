import type { Producer, Receipt } from "@polylog/core";

const BATCH = 20;
const LEAST = 2000;
const PAUSE_MS = 5;

/** Sends the numbers from 0 on, under 50 keys, without a break while `disturb` is at it, and 2,000 at least. One receipt for each, in order. */
export async function sendThrough(producer: Producer<number>, disturb: () => Promise<void>): Promise<Receipt[]> {
	const over = new AbortController();
	const disturbing = disturb().finally(() => over.abort());
	const receipts: Promise<Receipt[]>[] = [];
	for (let n = 0; !over.signal.aborted || n < LEAST; n += BATCH) {
		receipts.push(producer.sendBatch(Array.from({ length: BATCH }, (_, i) => ({ value: n + i, key: `${(n + i) % 50}` }))));
		await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
	}
	await disturbing;
	return (await Promise.all(receipts)).flat();
}

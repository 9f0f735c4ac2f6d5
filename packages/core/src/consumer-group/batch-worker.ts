// Takes one lane's messages in batches: never of two partitions, one batch at a time.
import type { Batch, Message } from "../api/message.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import { atAttempt } from "../message.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { Held } from "./offset-tracker.ts";
import { awaitWork, mayStart, type WorkerParts } from "./worker.ts";

export async function batchWorker<T>(
	parts: WorkerParts,
	delivery: Delivery<T>,
	handle: (batch: Batch<T>) => unknown,
	maxMessages: number,
): Promise<void> {
	while (await awaitWork(parts)) {
		await parts.slots.take();
		try {
			if (!parts.stopped()) await takeBatch(parts, delivery, handle, maxMessages);
		} finally {
			parts.slots.give();
		}
		await parts.clock.yield();
	}
}

async function takeBatch<T>(
	{ lane, clock }: WorkerParts,
	delivery: Delivery<T>,
	handle: (batch: Batch<T>) => unknown,
	maxMessages: number,
): Promise<void> {
	const held: Held[] = [];
	const messages: Message<T>[] = [];
	let bad: { readonly held: Held; readonly error: PolylogError } | undefined;
	for (let one = lane.take(); one; one = messages.length < maxMessages ? lane.take() : undefined) {
		try {
			const message = delivery.decode(lane, one.record, 1);
			messages.push(message instanceof Promise ? await message : message);
			held.push(one);
		} catch (error) {
			// What cannot be decoded ends the batch, and goes through the failure policy alone.
			bad = { held: one, error: isPolylogError(error) ? error : new PolylogError("CODEC_FAILED", String(error), { cause: error }) };
			break;
		}
	}
	// Decoding may have taken its time: a seek or another owner may have come in between.
	const stale = held[0] && !(await mayStart(lane, held[0], clock));
	if (stale) for (const one of held) lane.release(one);
	if (held.length > 0 && !stale) {
		for (const one of held) one.batch = held;
		const batch = (attempt: number): Batch<T> => ({
			partition: lane.partition,
			messages: attempt === 1 ? messages : messages.map((message) => atAttempt(message, attempt)),
			fence: lane.fence,
		});
		await delivery.handle(
			lane,
			held,
			() => handle(batch(1)),
			(attempt) => handle(batch(attempt)),
		);
	}
	if (!bad) return;
	// Its turn comes when those before it are processed.
	if (lane.isLive(bad.held) && lane.state === "running" && held.every((one) => one.done))
		await delivery.dispose(lane, [bad.held], bad.error);
	else lane.release(bad.held);
}

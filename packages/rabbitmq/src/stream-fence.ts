// When silence of a stream means that it has nothing.
//
// The broker's channel asks the stream's own process to be told of committed offsets, and hands records out when it is
// told. Both talk in order: when that process has answered a later question of the same channel (another consumer's
// start), it has told before. The answer to the client may be sent earlier than that, so one more request follows.
// A shorter way held on an idle machine and failed on a busy one. What there is comes within a millisecond as a rule, so
// that question waits a little: four requests less for most looks.
import { type Clock, sleep } from "@polylog/core/driver";
import type { ChannelConsumers } from "./channel-consumers.ts";

const USUAL_MS = 5;

/** Resolves when `first` does, or when it is certain that the consumer, started before on this channel, has nothing to be handed. */
export async function firstOrNothing(consumers: ChannelConsumers, queue: string, first: Promise<void>, clock: Clock): Promise<void> {
	const usual = new AbortController();
	let came = false;
	const arrived = first.then(() => {
		came = true;
		usual.abort();
	});
	await sleep(clock, USUAL_MS, usual.signal).catch(() => {});
	if (!came) await Promise.race([arrived, streamAnswered(consumers, queue)]);
}

async function streamAnswered(consumers: ChannelConsumers, queue: string): Promise<void> {
	const { channel } = consumers;
	const consumer = await consumers.consume(queue, "next", (message) => message && channel.ack(message));
	await consumers.cancel(consumer);
	// Answered after the cancelling, which came after the start: whatever the stream told is handed out by now.
	await channel.checkQueue(queue);
}

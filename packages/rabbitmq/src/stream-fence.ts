// When silence of a stream means that it has nothing.
//
// The broker's channel asks the stream's own process to be told of committed offsets, and hands records out when it is
// told. Both talk in order: when that process has answered a later question of the same channel (another consumer's
// start), it has told before. The answer to the client may be sent earlier than that, so one more request follows.
// A shorter way held on an idle machine and failed on a busy one.
import type { ChannelConsumers } from "./channel-consumers.ts";

/** Resolves when consumers that were started before on this channel have been handed what there was for them. */
export async function streamAnswered(consumers: ChannelConsumers, queue: string): Promise<void> {
	const { channel } = consumers;
	const consumer = await consumers.consume(queue, "next", (message) => message && channel.ack(message));
	await consumers.cancel(consumer);
	// Answered after the cancelling, which came after the start: whatever the stream told is handed out by now.
	await channel.checkQueue(queue);
}

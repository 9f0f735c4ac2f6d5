// What the checks of loops and batches begin with.
import type { CheckContext } from "../context.ts";

/** A topic of one partition with 20 messages, and a group. */
export async function twenty(ctx: CheckContext) {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { partitions: 1 });
	const recorder = ctx.recorder();
	await recorder.send(broker.producer(topic), 20, { partition: 0 });
	return { recorder, group: ctx.group(broker, topic), partition: { topic: topic.name, index: 0 } };
}

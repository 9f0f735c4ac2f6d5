// What the checks of closing begin with.
import assert from "node:assert/strict";
import type { CheckContext } from "../context.ts";
import { readAll } from "../reading.ts";
import { timed, within } from "../time.ts";

/** A topic of one partition with 20 messages, a group, and a topic for dead letters that has to stay empty. */
export async function prepared(ctx: CheckContext) {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { partitions: 1 });
	const dlq = await ctx.topic(broker, { partitions: 1 });
	const recorder = ctx.recorder();
	await recorder.send(broker.producer(topic), 20, { partition: 0 });
	const noLetters = async () => assert.deepEqual((await readAll(broker, dlq)).length, 0, "a shutdown made a dead letter");
	return {
		broker,
		topic,
		recorder,
		group: ctx.group(broker, topic),
		partition: { topic: topic.name, index: 0 },
		onFailure: { kind: "deadLetter", topic: dlq.name } as const,
		noLetters,
	};
}

/** With nothing to wait for. */
export async function closesAtOnce(member: { close(): Promise<void> }): Promise<void> {
	const took = await timed(() => within(5000, "closing", () => member.close()));
	assert.ok(took < 2000, `closing took ${Math.round(took)} ms`);
}

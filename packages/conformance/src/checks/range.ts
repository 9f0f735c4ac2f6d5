// Contract point 11: a position that is not in the log any more, and what the application chose to do then.
import assert from "node:assert/strict";
import type { Broker, Topic } from "@polylog/core";
import type { Check } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { hasCode } from "../expect.ts";
import type { Item } from "../recorder.ts";
import { committedAt } from "../settle.ts";
import { delay, until } from "../time.ts";

const first = (topic: Topic<Item>, index = 0) => ({ topic: topic.name, index });

/** Appends to partition 0 until retention has removed everything below `offset`. */
async function overflow(broker: Broker, topic: Topic<Item>, offset: bigint): Promise<void> {
	let n = 1000;
	const producer = broker.producer(topic);
	await until(
		async () => {
			await producer.sendBatch(Array.from({ length: 1000 }, () => ({ value: { n: n++ }, partition: 0 })));
			return ((await broker.topics.describe(topic)).partitions[0]?.earliest ?? 0n) > offset;
		},
		`retention removed what is below ${offset}`,
		20_000,
	);
}

/** A group that has committed 10 messages of partition 0, and whose place retention then removed. */
async function overtaken(ctx: CheckContext) {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { retention: ctx.shortRetention });
	const name = ctx.groupName();
	const recorder = ctx.recorder();
	await recorder.send(broker.producer(topic), 10, { partition: 0 });
	const a = await recorder.follow(ctx.groupNamed(name, broker, topic));
	await recorder.untilHandled(10);
	await a.close();
	const stood = (await committedAt(ctx.groupNamed(name, broker, topic), first(topic))) ?? 0n;
	await overflow(broker, topic, stood);
	return { broker, topic, name, recorder, stood };
}

export const rangeChecks: readonly Check[] = [
	{
		id: "range.retention-fails",
		promise:
			"contract point 11: a place that retention removed is an error with requested, earliest and end; that partition stops, the others go on",
		async run(ctx) {
			const { broker, topic, name, recorder, stood } = await overtaken(ctx);
			const group = ctx.groupNamed(name, broker, topic);
			const b = await recorder.follow(group);
			await until(() => b.stuck.length > 0, "the partition is reported stuck");
			const error = hasCode(b.stuck[0]?.error, "OFFSET_OUT_OF_RANGE");
			assert.equal(error.context.requested, stood);
			assert.ok((error.context.earliest ?? 0n) > stood && (error.context.end ?? 0n) >= (error.context.earliest ?? 0n));
			assert.equal(error.context.topic, topic.name);
			await recorder.send(broker.producer(topic), 10, { from: 500, partition: 1 });
			await until(() => b.seen.length >= 10, "the other partitions go on");
			assert.ok(
				b.seen.every((message) => message.partition.index === 1),
				"something of the broken partition was delivered",
			);
			assert.equal(b.member.state(first(topic)), "stopped");
			await b.close();
			assert.equal(await committedAt(group, first(topic)), stood, "the commit moved");
		},
	},
	{
		id: "range.retention-earliest",
		promise: "contract point 11: with onOutOfRange earliest it goes on at the first retained record, and says so",
		async run(ctx) {
			const { broker, topic, name, recorder } = await overtaken(ctx);
			const earliest = async () => (await broker.topics.describe(topic)).partitions[0]?.earliest ?? 0n;
			const before = await earliest();
			const b = await recorder.follow(ctx.groupNamed(name, broker, topic, { onOutOfRange: "earliest" }));
			await until(() => b.seen.length >= 50, "the retained records come");
			// Some brokers remove records in their own time, meanwhile too.
			const [first = -1n, after] = [b.seen[0]?.offset, await earliest()];
			assert.ok(first >= before && first <= after, `the first one is ${first}, and the first retained was ${before}, then ${after}`);
			hasCode(b.errors[0], "OFFSET_OUT_OF_RANGE");
			assert.equal(b.stuck.length, 0);
		},
	},
	{
		id: "range.retention-latest",
		promise: "contract point 11: with onOutOfRange latest it goes on with what comes from now on, and says so",
		async run(ctx) {
			const { broker, topic, name, recorder } = await overtaken(ctx);
			const b = await recorder.follow(ctx.groupNamed(name, broker, topic, { onOutOfRange: "latest" }));
			await until(() => b.errors.length > 0, "the move is reported");
			hasCode(b.errors[0], "OFFSET_OUT_OF_RANGE");
			await until(() => b.member.state(first(topic)) === "running", "the partition runs");
			await delay(100);
			await broker.producer(topic).send({ n: 7777 }, { partition: 0 });
			await until(() => b.seen.length > 0, "the new message comes");
			assert.equal(b.seen[0]?.value.n, 7777);
		},
	},
	{
		id: "range.made-again",
		promise: "contract point 11: a topic deleted and made again is recognized, though its offsets have come back",
		needs: ["commitsOutliveTopic"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 10, { partition: 0 });
			const a = await recorder.follow(group);
			await recorder.untilHandled(10);
			await a.close();
			await broker.topics.delete(topic);
			await broker.topics.create(topic.name, { partitions: 1 });
			await broker.producer(topic).sendBatch(Array.from({ length: 50 }, (_, n) => ({ value: { n: 100 + n }, partition: 0 })));
			const b = await ctx.recorder().follow(group);
			await until(() => b.stuck.length > 0 || b.seen.length > 0, "the group finds out");
			assert.deepEqual(
				b.seen.map((message) => message.value.n),
				[],
				"records of the new topic were taken for the old one's",
			);
			hasCode(b.stuck[0]?.error, "OFFSET_OUT_OF_RANGE");
			await b.close();
			const c = await ctx.recorder().follow(ctx.groupNamed(group.name, broker, topic, { onOutOfRange: "earliest" }));
			await until(() => c.seen.length === 50, "the new records come when that was chosen");
			assert.equal(c.seen[0]?.value.n, 100);
		},
	},
	{
		id: "range.made-again-shorter",
		promise: "contract point 11: a place beyond the end is an error, and is not waited for",
		needs: ["commitsOutliveTopic"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 30, { partition: 0 });
			const a = await recorder.follow(group);
			await recorder.untilHandled(30);
			await a.close();
			await broker.topics.delete(topic);
			await broker.topics.create(topic.name, { partitions: 1 });
			await broker.producer(topic).sendBatch([{ value: { n: 100 }, partition: 0 }]);
			const b = await ctx.recorder().follow(group);
			await until(() => b.stuck.length > 0, "the group finds out");
			const error = hasCode(b.stuck[0]?.error, "OFFSET_OUT_OF_RANGE");
			// Beyond the end, or before the beginning where offsets never come back.
			const { requested = 0n, earliest = 0n, end = 0n } = error.context;
			assert.ok(requested > end || requested < earliest, `${requested} lies in ${earliest}..${end}`);
			assert.equal(b.seen.length, 0);
		},
	},
	{
		id: "range.made-again-under-a-member",
		promise: "contract points 1 and 11: a live member whose topic is deleted and made again stops, and takes nothing for what it is not",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 20, { partition: 0 });
			const a = await recorder.follow(ctx.group(broker, topic));
			await recorder.untilHandled(20);
			const admin = await ctx.connect();
			await admin.topics.delete(topic);
			await admin.topics.create(topic.name, { partitions: 1 });
			await admin.producer(topic).sendBatch(Array.from({ length: 40 }, (_, n) => ({ value: { n: 100 + n }, partition: 0 })));
			await until(() => a.stuck.length > 0 || a.seen.length > 20, "the member finds out");
			assert.equal(a.seen.length, 20, `${a.seen[20]?.value.n} was delivered`);
			hasCode(a.stuck[0]?.error, "OFFSET_OUT_OF_RANGE", "TOPIC_NOT_FOUND");
		},
	},
	{
		id: "range.overtaken-while-slow",
		promise: "contract points 1 and 11: retention that overtakes a live, slow member is an error and never a silent gap",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1, retention: ctx.shortRetention });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 5, { partition: 0 });
			const a = await recorder.follow(ctx.group(broker, topic), { maxBufferedRecords: 10 });
			await recorder.untilHandled(5);
			a.member.pause();
			await delay(50);
			const stood = a.member.position(first(topic)) ?? 0n;
			await overflow(broker, topic, stood + 100n);
			a.member.resume();
			await until(() => a.stuck.length > 0, "the member is told");
			hasCode(a.stuck[0]?.error, "OFFSET_OUT_OF_RANGE");
			const numbers = a.seen.map((message) => message.offset);
			const gapless = numbers.slice(1).every((offset, i) => offset === (numbers[i] ?? 0n) + 1n);
			const dense = (await broker.topics.describe(topic)).partitions[0];
			if (dense && dense.end - dense.earliest === BigInt(dense.records ?? -1)) assert.ok(gapless, `offsets ${numbers.join()} have a gap`);
		},
	},
];

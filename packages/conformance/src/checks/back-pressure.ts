// Contract point 13: a slow handler costs its own partition time, and nobody memory or membership.
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Check } from "../check.ts";
import type { Message } from "@polylog/core";
import type { Item } from "../recorder.ts";
import { untilBalanced } from "../settle.ts";
import { delay, gate, until } from "../time.ts";

/** What this process holds on to: garbage is collected first, since how much of it lies about says nothing. */
function heldMegabytes(): number {
	setFlagsFromString("--expose-gc");
	runInNewContext("gc")();
	const { heapUsed, external } = process.memoryUsage();
	return (heapUsed + external) / 1_000_000;
}

export const backPressureChecks: readonly Check[] = [
	{
		id: "back-pressure.bounded",
		promise: "contract point 13: of a partition whose handler stands still no more is held than was allowed; the others flow",
		async run(ctx) {
			const fetched = new Map<number, number>();
			const limit = 50;
			let greediest = 0;
			let overdrawn = false;
			const broker = await ctx.connect();
			const member = await ctx.connect({
				async fetch(next, call) {
					greediest = Math.max(greediest, call.credit.records);
					const records = await next(call.credit);
					overdrawn ||= records.length > call.credit.records;
					fetched.set(call.partition.index, (fetched.get(call.partition.index) ?? 0) + records.length);
					return records;
				},
			});
			const topic = await ctx.topic(broker);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 1500, { partition: 0 });
			await recorder.send(broker.producer(topic), 300, { from: 2000, partition: 1 });
			const held = gate();
			const a = await recorder.follow(ctx.group(member, topic), {
				maxBufferedRecords: limit,
				handle: (message) => (message.partition.index === 0 ? held.passed : undefined),
			});
			await recorder.untilHandled(300);
			const standing = () => a.seen.filter((message) => message.partition.index === 0).length;
			await until(() => standing() > 0, "the handler stands still");
			await delay(300);
			assert.equal(standing(), 1);
			assert.equal(overdrawn, false, "the driver gave more than its credit");
			const holds = fetched.get(0) ?? 0;
			assert.ok(holds > 0 && holds <= limit + 1, `${holds} records are held, and ${limit} are allowed`);
			assert.ok(greediest <= limit + 1, `a credit of ${greediest} was given`);
			held.open();
			await recorder.untilHandled(1800);
			recorder.verify();
		},
	},
	{
		id: "back-pressure.bytes",
		promise: "contract point 13: what is read ahead is bounded in bytes too",
		async run(ctx) {
			let bytes = 0;
			const broker = await ctx.connect();
			const member = await ctx.connect({
				async fetch(next, call) {
					const records = await next(call.credit);
					for (const record of records) bytes += record.value?.length ?? 0;
					return records;
				},
			});
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 100, { partition: 0, pad: "x".repeat(20_000) });
			const held = gate();
			await recorder.follow(ctx.group(member, topic), { maxBufferedBytes: 200_000, handle: () => held.passed });
			await until(() => bytes > 0, "something is read");
			await delay(400);
			assert.ok(bytes <= 300_000, `${bytes} bytes are held, and 200000 are allowed`);
			held.open();
			await recorder.untilHandled(100);
		},
	},
	{
		id: "back-pressure.memory",
		promise: "contract point 13: behind a handler that stands still memory does not grow with the backlog, measured",
		runs: "alone",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 3 });
			const pad = "x".repeat(20_000);
			const total = 2400;
			const producer = broker.producer(topic);
			for (let n = 0; n < total; n += 200)
				await producer.sendBatch(Array.from({ length: 200 }, (_, i) => ({ value: { n: n + i, pad }, partition: i % 3 })));
			const held = gate();
			const recorder = ctx.recorder();
			const member = await ctx.connect();
			const before = heldMegabytes();
			const a = await recorder.follow(ctx.group(member, topic), { maxBufferedBytes: 1_000_000, handle: () => held.passed });
			await until(() => a.seen.length === 3, "a message of each partition is in hand");
			let most = 0;
			for (let i = 0; i < 5; i++) {
				await delay(200);
				most = Math.max(most, heldMegabytes() - before);
			}
			// A backlog of 48 MB; three partitions may hold 1 MB each, and what is read may be held twice while it is decoded.
			assert.ok(most < 24, `${most.toFixed(1)} MB more are held with a backlog of 48 MB and 3 MB allowed`);
			held.open();
			await recorder.untilHandled(total, 30_000);
		},
	},
	{
		id: "back-pressure.slow-handler-keeps-its-place",
		promise: "contract points 9 and 13: a handler of three sessions' length causes no rebalance and no second delivery",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 2 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const handle = (message: Message<Item>) => (message.value.n === 0 ? delay(3 * ctx.sessionTimeoutMs) : undefined);
			const [a, b] = [await recorder.follow(group, { handle }), await recorder.follow(group, { handle })];
			await untilBalanced([a.member, b.member], 2);
			const ids = [a.member.id, b.member.id];
			const { generation } = await group.describe();
			await recorder.send(broker.producer(topic), 20, { partition: 0 });
			await recorder.untilHandled(20);
			assert.equal((await group.describe()).generation, generation, "the group was rebalanced");
			assert.deepEqual([a.member.id, b.member.id], ids);
			const verdict = recorder.verify();
			assert.equal(verdict.duplicates, 0);
			assert.equal(verdict.delivered, 20);
		},
	},
	{
		id: "pause.one-partition",
		promise:
			"contract point 13: a pause stops one partition and no other, for longer than a session and without a rebalance; resume goes on where it was",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const a = await recorder.follow(group);
			await until(() => a.member.assignment.length === 3, "all is assigned");
			const paused = { topic: topic.name, index: 1 };
			await recorder.send(broker.producer(topic), 5, { partition: 1 });
			await recorder.untilHandled(5);
			a.member.pause([paused]);
			const { generation } = await group.describe();
			assert.equal(a.member.state(paused), "paused");
			await recorder.send(broker.producer(topic), 30, { from: 100, partition: 1 });
			await recorder.send(broker.producer(topic), 30, { from: 200, partition: 0 });
			await recorder.untilHandled(35);
			await delay(1.5 * ctx.sessionTimeoutMs);
			assert.equal(a.seen.filter((message) => message.partition.index === 1).length, 5, "a paused partition was delivered");
			assert.equal((await group.describe()).generation, generation, "a pause caused a rebalance");
			a.member.resume([paused]);
			await recorder.untilHandled(65);
			assert.deepEqual(
				a.seen
					.filter((message) => message.partition.index === 1)
					.slice(5)
					.map((message) => message.value.n),
				Array.from({ length: 30 }, (_, i) => 100 + i),
			);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "pause.survives-a-rebalance",
		promise: "contract point 13: a pause survives the coming and going of other members",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const a = await recorder.follow(group);
			await until(() => a.member.assignment.length === 4, "all is assigned");
			a.member.pause();
			await recorder.send(broker.producer(topic), 80, { keys: 80 });
			const b = await recorder.follow(group);
			await untilBalanced([a.member, b.member], 4);
			await until(() => b.seen.length > 0, "the other member is handed its share");
			const share = b.seen.length;
			assert.ok(share < 80);
			await delay(300);
			assert.equal(a.seen.length, 0, "the rebalance ended the pause");
			for (const partition of a.member.assignment) assert.equal(a.member.state(partition), "paused");
			a.member.resume();
			await recorder.untilHandled(80);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
];

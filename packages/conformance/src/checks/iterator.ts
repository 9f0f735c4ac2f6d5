// A member as an async iterator, and in batches.
import assert from "node:assert/strict";
import type { Batch } from "@polylog/core";
import type { Check } from "../check.ts";
import type { CheckContext } from "../context.ts";
import type { Item } from "../recorder.ts";
import { committedAt, standsBetween } from "../settle.ts";
import { delay, until, within } from "../time.ts";

async function twenty(ctx: CheckContext) {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { partitions: 1 });
	const recorder = ctx.recorder();
	await recorder.send(broker.producer(topic), 20, { partition: 0 });
	return { broker, topic, recorder, group: ctx.group(broker, topic), partition: { topic: topic.name, index: 0 } };
}

export const iteratorChecks: readonly Check[] = [
	{
		id: "iterator.order-and-end",
		promise: "contract points 1 and 7: for await hands out each message in order, and ends when the member closes",
		async run(ctx) {
			const { group, partition } = await twenty(ctx);
			const member = await group.join();
			const seen: { n: number; offset: bigint }[] = [];
			const all = (async () => {
				for await (const message of member) {
					seen.push({ n: message.value.n, offset: message.offset });
				}
			})();
			await until(() => seen.length === 20, "all are handed out");
			await delay(50);
			await within(5000, "closing", member.close());
			await within(1000, "the end of the loop", all);
			assert.deepEqual(
				seen.map(({ n }) => n),
				Array.from({ length: 20 }, (_, n) => n),
			);
			const stands = await committedAt(group, partition);
			assert.equal(stands, (seen[19]?.offset ?? 0n) + 1n, "the last message was asked past, so it counts as handled");
		},
	},
	{
		id: "iterator.break",
		promise: "contract point 7: leaving the loop by break commits what came before, never the message in hand",
		async run(ctx) {
			const { group, partition } = await twenty(ctx);
			const member = await group.join();
			let [before, inHand] = [-1n, -1n];
			for await (const message of member) {
				[before, inHand] = [inHand, message.offset];
				if (message.value.n === 7) break;
			}
			await within(5000, "closing", member.close());
			assert.ok(standsBetween(await committedAt(group, partition), before, inHand), "not exactly what came before is committed");
		},
	},
	{
		id: "iterator.throw",
		promise: "contract point 7: leaving the loop by an error never commits the message in hand, nor does disposal",
		async run(ctx) {
			const { group, partition } = await twenty(ctx);
			let [before, inHand] = [-1n, -1n];
			const loop = async () => {
				await using member = await group.join();
				for await (const message of member) {
					[before, inHand] = [inHand, message.offset];
					if (message.value.n === 7) throw new Error("left (by the kit)");
				}
			};
			await assert.rejects(loop(), /left \(by the kit\)/);
			assert.ok(standsBetween(await committedAt(group, partition), before, inHand), "not exactly what came before is committed");
		},
	},
	{
		id: "iterator.commit-in-hand",
		promise: "contract point 4: commit(message) inside the loop counts the message in hand as processed",
		async run(ctx) {
			const { group, partition } = await twenty(ctx);
			const member = await group.join();
			let inHand = -1n;
			for await (const message of member) {
				inHand = message.offset;
				if (message.value.n !== 7) continue;
				await within(5000, "the commit", member.commit(message));
				assert.equal(await committedAt(group, partition), inHand + 1n);
				break;
			}
			await member.close();
			assert.equal(await committedAt(group, partition), inHand + 1n);
		},
	},
	{
		id: "iterator.abort",
		promise: "the signal given to join closes the member, and ends its loop",
		async run(ctx) {
			const { group } = await twenty(ctx);
			const stop = new AbortController();
			const member = await group.join({ signal: stop.signal });
			let seen = 0;
			const loop = (async () => {
				for await (const _ of member) if (++seen === 20) void delay(50).then(() => stop.abort());
			})().catch(() => {});
			await within(8000, "the end of the loop", loop);
			assert.equal(seen, 20);
			await until(async () => (await group.describe()).members.length === 0, "the member has left");
		},
	},
	{
		id: "iterator.one-way-at-a-time",
		promise: "a member is taken by run, by runBatches or as an iterator, one at a time",
		async run(ctx) {
			const { recorder, group } = await twenty(ctx);
			const a = await recorder.follow(group);
			await assert.rejects(async () => await a.member.run(() => {}));
			await assert.rejects(async () => await a.member.runBatches(() => {}));
			await assert.rejects(async () => await a.member[Symbol.asyncIterator]().next());
			await recorder.untilHandled(20);
			assert.equal(a.failure(), undefined);
		},
	},
	{
		id: "batches.one-partition-each",
		promise: "contract points 1 and 7: a batch is of one partition, in order, of no more than was asked for; nothing is lost",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			await ctx.recorder().send(broker.producer(topic), 300);
			const member = await group.join();
			const batches: Batch<Item>[] = [];
			const running = member.runBatches((batch) => void batches.push(batch), { maxMessages: 20 });
			await until(() => batches.reduce((sum, batch) => sum + batch.messages.length, 0) >= 300, "all are handled");
			await member.close();
			await within(1000, "the end of runBatches", running);
			const last = new Map<number, bigint>();
			for (const { partition, messages } of batches) {
				assert.ok(messages.length >= 1 && messages.length <= 20);
				for (const message of messages) {
					assert.equal(message.partition.index, partition.index);
					assert.ok(message.offset > (last.get(partition.index) ?? -1n));
					last.set(partition.index, message.offset);
				}
			}
			assert.ok(
				batches.some((batch) => batch.messages.length > 1),
				"every batch held one message",
			);
			assert.equal(new Set(batches.flatMap((batch) => batch.messages.map((message) => message.value.n))).size, 300);
			assert.equal((await group.lag()).total, 0n);
		},
	},
	{
		id: "batches.all-or-nothing",
		promise: "contract points 7 and 16: a batch whose handler fails is tried again whole, and not committed before it succeeds",
		async run(ctx) {
			const { group, partition } = await twenty(ctx);
			const member = await group.join();
			const handed: number[][] = [];
			let [first, during]: (bigint | undefined)[] = [];
			const running = member.runBatches(
				async (batch) => {
					handed.push(batch.messages.map((message) => message.value.n));
					first ??= batch.messages[0]?.offset;
					if (handed.length > 2) return;
					await delay(60);
					during = await committedAt(group, partition);
					throw new Error("not yet (by the kit)");
				},
				{ maxMessages: 10, retry: { retries: 5, initialDelayMs: 20 }, commitIntervalMs: 10 },
			);
			await until(async () => (await group.lag()).total === 0n, "the group is drained");
			await member.close();
			await running;
			assert.deepEqual(handed[1], handed[0]);
			assert.deepEqual(handed[2], handed[0]);
			assert.ok(first !== undefined && (during === undefined || during <= first), `${during} was committed while ${first} failed`);
			assert.deepEqual(
				handed.slice(2).flat(),
				Array.from({ length: 20 }, (_, n) => n),
			);
		},
	},
];

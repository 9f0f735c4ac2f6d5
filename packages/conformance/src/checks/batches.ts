// A member that takes its messages in batches. What it is handed is judged by its history, batch by batch.
import assert from "node:assert/strict";
import type { Batch } from "@polylog/core";
import type { Check } from "../check.ts";
import type { Item } from "../recorder.ts";
import { committedAt, untilBalanced } from "../settle.ts";
import { delay, until, within } from "../time.ts";
import { twenty } from "./twenty.ts";

export const batchChecks: readonly Check[] = [
	{
		id: "batches.one-partition-each",
		promise: "contract points 1 and 7: a batch is of one partition, in order, of no more than was asked for; nothing is lost",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 300);
			const { member } = await recorder.join(group);
			const batches: Batch<Item>[] = [];
			const running = member.runBatches((batch) => void batches.push(batch), { maxMessages: 20 });
			await recorder.untilHandled(300);
			await member.close();
			await within(1000, "the end of runBatches", () => running);
			recorder.verify();
			for (const { partition, messages } of batches) {
				assert.ok(messages.length >= 1 && messages.length <= 20, `a batch of ${messages.length}`);
				for (const message of messages) assert.equal(message.partition.index, partition.index);
			}
			assert.ok(
				batches.some((batch) => batch.messages.length > 1),
				"every batch held one message",
			);
			assert.equal((await group.lag()).total, 0n);
		},
	},
	{
		id: "batches.all-or-nothing",
		promise: "contract points 7 and 16: a batch whose handler fails is tried again whole, and not committed before it succeeds",
		async run(ctx) {
			const { recorder, group, partition } = await twenty(ctx);
			const { member, seen } = await recorder.join(group);
			const handed: number[][] = [];
			let during: bigint | undefined;
			const running = member.runBatches(
				async (batch) => {
					handed.push(batch.messages.map((message) => message.value.n));
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
			recorder.verify();
			const first = seen[0]?.offset ?? 0n;
			assert.ok(during === undefined || during <= first, `${during} was committed while the batch from ${first} on failed`);
			assert.deepEqual(handed[1], handed[0]);
			assert.deepEqual(handed[2], handed[0]);
			assert.deepEqual(
				handed.slice(2).flat(),
				Array.from({ length: 20 }, (_, n) => n),
			);
		},
	},
	{
		id: "batches.share",
		promise:
			"contract points 1, 7, 8 and 9: members that take batches share a topic; one that closes amid its batch hands over, and nothing is lost or doubled",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const [a, b] = [await recorder.join(group), await recorder.join(group)];
			await untilBalanced([a.member, b.member], 4);
			const running = [a, b].map(({ member }) => member.runBatches(() => delay(ctx.random.below(10)), { maxMessages: 15 }));
			const producer = broker.producer(topic);
			for (let round = 0; round < 10; round++) {
				await recorder.send(producer, 40, { from: round * 40 });
				if (round !== 5) continue;
				await until(() => [a, b].every(({ seen }) => seen.length > 0), "both are handed a batch");
				await within(5000, "closing", () => a.close());
			}
			await within(1000, "the end of runBatches", () => running[0] ?? Promise.resolve());
			await recorder.untilHandled(400);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
];

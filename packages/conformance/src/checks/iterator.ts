// A member as an async iterator. What it is handed is judged by its history; the checks look at what is peculiar to a loop.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { after, committedAt, standsBetween, untilBalanced } from "../settle.ts";
import { delay, until, within } from "../time.ts";
import { looping } from "./looping.ts";
import { twenty } from "./twenty.ts";

export const iteratorChecks: readonly Check[] = [
	{
		id: "iterator.order-and-end",
		promise: "contract points 1 and 7: for await hands out each message in order, and ends when the member closes",
		async run(ctx) {
			const { recorder, group, partition } = await twenty(ctx);
			const { member, seen } = await recorder.join(group);
			const loop = looping(member);
			await until(() => seen.length === 20, "all are handed out");
			await delay(50);
			await within(5000, "closing", () => member.close());
			await within(1000, "the end of the loop", () => loop);
			recorder.verify();
			assert.deepEqual(
				seen.map((message) => message.value.n),
				Array.from({ length: 20 }, (_, n) => n),
			);
			const last = seen.at(-1);
			assert.equal(await committedAt(group, partition), last && after(last), "the last message was asked past, so it counts as handled");
		},
	},
	{
		id: "iterator.break",
		promise: "contract point 7: leaving the loop by break commits what came before, never the message in hand, which comes again",
		async run(ctx) {
			const { recorder, group, partition } = await twenty(ctx);
			const a = await recorder.join(group);
			for await (const message of a.member) if (message.value.n === 7) break;
			await within(5000, "closing", () => a.close());
			const [before, inHand] = [a.seen[6]?.offset ?? 0n, a.seen[7]?.offset ?? 0n];
			assert.ok(standsBetween(await committedAt(group, partition), before, inHand), "not exactly what came before is committed");
			const b = await recorder.join(group);
			void looping(b.member);
			await recorder.untilHandled(20);
			assert.equal(b.seen[0]?.offset, inHand);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "iterator.throw",
		promise: "contract point 7: leaving the loop by an error never commits the message in hand, nor does disposal",
		async run(ctx) {
			const { recorder, group, partition } = await twenty(ctx);
			const { member, seen } = await recorder.join(group);
			const loop = async () => {
				await using disposed = member;
				for await (const message of disposed) if (message.value.n === 7) throw new Error("left (by the kit)");
			};
			await assert.rejects(loop(), /left \(by the kit\)/);
			const [before, inHand] = [seen[6]?.offset ?? 0n, seen[7]?.offset ?? 0n];
			assert.ok(standsBetween(await committedAt(group, partition), before, inHand), "not exactly what came before is committed");
			void looping((await recorder.join(group)).member);
			await recorder.untilHandled(20);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "iterator.commit-in-hand",
		promise: "contract point 4: commit(message) inside the loop counts the message in hand as processed",
		async run(ctx) {
			const { recorder, group, partition } = await twenty(ctx);
			const a = await recorder.join(group);
			let stands: bigint | undefined;
			for await (const message of a.member) {
				if (message.value.n !== 7) continue;
				await within(5000, "the commit", () => a.member.commit(message));
				stands = after(message);
				assert.equal(await committedAt(group, partition), stands);
				break;
			}
			await a.close();
			assert.equal(await committedAt(group, partition), stands);
			void looping((await recorder.join(group)).member);
			await recorder.untilHandled(20);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "iterator.abort",
		promise: "the signal given to join closes the member, and ends its loop",
		async run(ctx) {
			const { recorder, group } = await twenty(ctx);
			const stop = new AbortController();
			const { member, seen } = await recorder.join(group, { signal: stop.signal });
			const loop = looping(member).catch(() => {});
			await until(() => seen.length === 20, "all are handed out");
			await delay(50);
			stop.abort();
			await within(8000, "the end of the loop", () => loop);
			await until(async () => (await group.describe()).members.length === 0, "the member has left");
			recorder.verify();
		},
	},
	{
		id: "iterator.share",
		promise:
			"contract points 1, 7, 8 and 9: members that take their messages in loops share a topic; one that leaves its loop and closes hands over, and nothing is lost or doubled",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const [a, b] = [await recorder.join(group), await recorder.join(group)];
			await untilBalanced([a.member, b.member], 4);
			const leaving = looping(a.member, 60);
			void looping(b.member);
			const producer = broker.producer(topic);
			for (let round = 0; round < 10; round++) {
				await recorder.send(producer, 40, { from: round * 40 });
				await delay(5);
			}
			await within(10_000, "the end of the loop", () => leaving);
			await within(5000, "closing", () => a.close());
			await recorder.untilHandled(400);
			assert.ok(b.seen.length > 0);
			assert.equal(recorder.verify().duplicates, 0);
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
			recorder.verify();
		},
	},
];

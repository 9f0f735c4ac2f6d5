// Contract points 4, 6 and 7: what a commit means.
import assert from "node:assert/strict";
import { type Message, type Offset, type Partition, samePartition } from "@polylog/core";
import type { Check } from "../check.ts";
import { rejectsWith } from "../expect.ts";
import type { Item } from "../recorder.ts";
import { after, committedAt, standsBetween, untilBalanced } from "../settle.ts";
import { delay, gate, until, within } from "../time.ts";

export const commitChecks: readonly Check[] = [
	{
		id: "commits.visible",
		promise: "contract point 4: once a commit has resolved, a fresh connection sees it",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const a = await recorder.follow(group, { commit: "manual" });
			await recorder.send(broker.producer(topic), 60);
			await recorder.untilHandled(60);
			for (const message of [a.seen[10], a.seen[30], a.seen.at(-1)]) {
				assert.ok(message);
				await a.member.commit(message);
				const fresh = await ctx.connect();
				const seen = await committedAt(ctx.groupNamed(group.name, fresh, topic), message.partition);
				assert.ok(seen !== undefined && seen >= after(message), `a fresh reader sees ${seen}, and ${message.offset} was committed`);
				await fresh.close();
			}
			await a.member.commit();
			const lag = await ctx.groupNamed(group.name, await ctx.connect(), topic).lag();
			assert.equal(lag.total, 0n);
		},
	},
	{
		id: "commits.resume",
		promise: "contract points 7 and 8: the next member starts exactly where the group stands",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 50);
			const stop = gate();
			const a = await recorder.follow(group, { handle: (message) => (message.value.n === 19 ? stop.open() : undefined) });
			await stop.passed;
			await a.close();
			const stood = await committedAt(group, { topic: topic.name, index: 0 });
			const last = a.seen.at(-1);
			assert.ok(last && stood === after(last), `closed after ${last?.offset}, committed ${stood}`);
			const b = await recorder.follow(group);
			await recorder.untilHandled(50);
			assert.equal(b.seen[0]?.value.n, last.value.n + 1);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "commits.only-what-was-handled",
		promise: "contract point 7: no record is covered by a commit before its handler has resolved",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const onlooker = ctx.groupNamed(group.name, await ctx.connect(), topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 20);
			const held = gate();
			const a = await recorder.follow(group, {
				commitIntervalMs: 20,
				handle: (message) => (message.value.n === 9 ? held.passed : undefined),
			});
			await until(() => a.seen.length === 10, "ten messages were started");
			const [before, blocking, partition] = [a.seen[8]?.offset ?? 0n, a.seen[9]?.offset ?? 0n, { topic: topic.name, index: 0 }];
			const stands = async () => standsBetween(await committedAt(onlooker, partition), before, blocking);
			await until(stands, "what was handled is committed");
			await delay(200);
			assert.ok(await stands(), "the message in hand was committed");
			held.open();
			await recorder.untilHandled(20);
			await until(async () => (await committedAt(onlooker, partition)) === (a.seen[19]?.offset ?? 0n) + 1n, "the rest is committed");
			recorder.verify();
		},
	},
	{
		id: "commits.contiguous-prefix",
		promise: "contract points 3 and 7: with order by key each key keeps its order, and only the contiguous prefix is committed",
		async run(ctx) {
			const [broker, cuttable] = [await ctx.connect(), await ctx.connectCuttable()];
			const topic = await ctx.topic(broker, { partitions: 1 });
			const name = ctx.groupName();
			const recorder = ctx.recorder();
			for (let n = 0; n < 40; n++) await broker.producer(topic).send({ n }, { key: `k${n % 8}` });
			const held = gate();
			const a = await recorder.follow(ctx.groupNamed(name, cuttable.broker, topic), {
				order: "key",
				concurrency: 8,
				commitIntervalMs: 20,
				handle: async (message) => await (message.key === "k3" ? held.passed : delay(ctx.random.below(5))),
			});
			await recorder.untilHandled(35);
			const blocked = a.seen.find((message) => message.key === "k3");
			assert.ok(blocked);
			const onlooker = ctx.groupNamed(name, broker, topic);
			const before = a.seen.map(({ offset }) => offset).filter((offset) => offset < blocked.offset);
			const stands = async () => standsBetween(await committedAt(onlooker, blocked.partition), before.at(-1) ?? -1n, blocked.offset);
			await until(stands, "the prefix is committed");
			await delay(150);
			assert.ok(await stands(), "a commit covered a message in hand");
			assert.equal(a.seen.filter((message) => message.key === "k3").length, 1, "two messages of one key ran at once");
			cuttable.cut();
			recorder.killed(a);
			const b = await recorder.follow(onlooker);
			await recorder.untilHandled(40, ctx.takeoverMs + 5000);
			assert.equal(b.seen[0]?.offset, blocked.offset, "the next owner starts at the first message not handled");
			held.open();
			recorder.verify({ order: "key" });
		},
	},
	{
		id: "commits.late-and-twice",
		promise:
			"contract points 5 and 6: a message committed twice is committed once; after its partition was given up it is FENCED, after close CLOSED",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 2 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const a = await recorder.follow(group, { commit: "manual" });
			for (const index of [0, 1]) await recorder.send(broker.producer(topic), 10, { from: index * 10, partition: index });
			await recorder.untilHandled(20);
			const lastOf = (index: number) => a.seen.findLast((message) => message.partition.index === index);
			const messages = [lastOf(0), lastOf(1)].filter((message) => message !== undefined);
			assert.equal(messages.length, 2);
			for (const message of messages) {
				await Promise.all([a.member.commit(message), a.member.commit(message)]);
				await a.member.commit(message);
				assert.equal(await committedAt(group, message.partition), after(message));
			}
			const b = await recorder.follow(group);
			await untilBalanced([a.member, b.member], 2);
			const moved = messages.find((message) => samePartition(message.partition, b.member.assignment[0] ?? { topic: "", index: -1 }));
			assert.ok(moved);
			await rejectsWith(
				within(5000, "a commit after the hand-over", () => a.member.commit(moved)),
				"FENCED",
			);
			await a.close();
			for (const message of messages)
				await rejectsWith(
					within(5000, "a commit after close", () => a.member.commit(message)),
					"CLOSED",
					"FENCED",
				);
			for (const message of messages) assert.equal(await committedAt(group, message.partition), after(message));
		},
	},
	{
		id: "commits.fenced-by-reset",
		promise: "contract point 5: after its partition was taken away, work in hand cannot commit, also when the same member owns it again",
		async run(ctx) {
			const [broker, admin] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(broker, { partitions: 1 });
			const name = ctx.groupName();
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 10);
			const held = gate();
			const stale: Message<Item>[] = [];
			const a = await recorder.follow(ctx.groupNamed(name, broker, topic), {
				commit: "manual",
				handle(message) {
					if (message.value.n !== 5 || stale.length > 0) return undefined;
					stale.push(message);
					return held.passed;
				},
			});
			await until(() => stale.length === 1, "the message is in hand");
			const [work] = stale;
			assert.ok(work);
			const operator = ctx.groupNamed(name, admin, topic);
			const first = a.seen[0]?.offset ?? 0n;
			await operator.reset({ offset: first }, { force: true });
			await rejectsWith(
				within(10_000, "the stale commit", () => a.member.commit(work)),
				"FENCED",
			);
			assert.equal(await committedAt(operator, work.partition), first, "a stale commit was accepted");
			held.open();
			await until(
				() => a.seen.some((message) => message.fence > work.fence && message.offset === first),
				"the group goes on from where it was reset to",
			);
			await rejectsWith(a.member.commit(work), "FENCED");
			const stands = await committedAt(operator, work.partition);
			assert.ok(stands === first, `after the stale commit the group stands at ${stands}`);
		},
	},
	{
		id: "commits.never-regress",
		promise: "contract point 6: as seen from outside, a group's committed offsets only rise",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const onlooker = ctx.groupNamed(group.name, await ctx.connect(), topic);
			const recorder = ctx.recorder();
			const highest = new Map<number, bigint>();
			let watching = true;
			const see = (committed: ReadonlyMap<Partition, Offset>) => {
				for (const [{ index }, offset] of committed) {
					assert.ok(offset >= (highest.get(index) ?? 0n), `partition ${index} went from ${highest.get(index)} to ${offset}`);
					highest.set(index, offset);
				}
			};
			const watch = (async () => {
				while (watching) {
					// Before the first one has joined there is no group.
					see(await onlooker.committed().catch(() => new Map<Partition, Offset>()));
					await delay(10);
				}
			})();
			watch.catch(() => {});
			const a = await recorder.follow(group, { commitIntervalMs: 15 });
			const sending = recorder.send(broker.producer(topic), 300);
			const b = await recorder.follow(group, { commitIntervalMs: 15 });
			await sending;
			await recorder.untilHandled(300);
			await Promise.all([a.close(), b.close()]);
			watching = false;
			await watch;
			// On a busy machine the last look may have been long ago.
			see(await onlooker.committed());
			assert.equal(highest.size, 3);
			recorder.verify();
		},
	},
];

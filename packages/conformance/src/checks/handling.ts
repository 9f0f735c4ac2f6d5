// How handlers are called: how many at once, and through what a connection may do.
import assert from "node:assert/strict";
import { PolylogError } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import { ownedBy, untilBalanced } from "../settle.ts";
import { delay, gate, until } from "../time.ts";

export const handlingChecks: readonly Check[] = [
	{
		id: "handling.concurrency",
		promise: "partitions are handled side by side, up to `concurrency` and no more; one partition has one message at a time",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 8 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 160, { keys: 160 });
			let running = 0;
			let most = 0;
			// A broker may give one partition's messages after the other's: the first ones wait for each other.
			const full = gate();
			await recorder.follow(ctx.group(broker, topic), {
				concurrency: 4,
				async handle() {
					most = Math.max(most, ++running);
					if (most === 4) full.open();
					await full.passed;
					await delay(5);
					running--;
				},
			});
			await recorder.untilHandled(160);
			assert.equal(most, 4);
			recorder.verify();
		},
	},
	{
		id: "handling.by-key",
		promise: "contract point 3: by key, one partition's messages run side by side, those of one key in order",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 200, { keys: 10 });
			let running = 0;
			let most = 0;
			const full = gate();
			const a = await recorder.follow(ctx.group(broker, topic), {
				order: "key",
				concurrency: 6,
				async handle() {
					most = Math.max(most, ++running);
					if (most === 6) full.open();
					await full.passed;
					await delay(ctx.random.below(8));
					running--;
				},
			});
			await recorder.untilHandled(200);
			assert.equal(most, 6);
			await a.close();
			recorder.verify({ order: "key" });
			for (let key = 0; key < 10; key++) {
				const ofKey = a.seen.filter((message) => message.key === `k${key}`).map((message) => message.value.n);
				assert.deepEqual(
					ofKey,
					[...ofKey].toSorted((x, y) => x - y),
				);
				assert.equal(ofKey.length, 20);
			}
		},
	},
	{
		id: "handling.commits-told",
		promise: "contract point 6: what the committed event tells of a partition only rises, however many commits are under way",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const recorder = ctx.recorder();
			const group = ctx.group(broker, topic);
			const commits: Promise<unknown>[] = [];
			const a = await recorder.follow(group, {
				commitIntervalMs: 5,
				handle(message) {
					const handling = delay(ctx.random.below(3));
					// Only then: a message that is committed while its handler runs is the application's own word.
					commits.push(handling.then(() => delay(ctx.random.below(4))).then(() => a.member.commit(message)));
					return handling;
				},
			});
			// While one commit is slow, all that follow become one: so some are asked for again and again.
			for (let round = 0; round < 4; round++) {
				await recorder.send(broker.producer(topic), 60, { from: round * 60 });
				await recorder.untilHandled((round + 1) * 60);
				await Promise.all(commits);
			}
			await a.close();
			const told = recorder.events.filter((event) => event.kind === "committed");
			assert.ok(told.length > 5);
			recorder.verify();
		},
	},
	{
		id: "handling.flaky-connection",
		promise: "contract points 1, 2, 3, 7 and 8: reads and appends that fail now and then cost time, and neither a message nor an order",
		async run(ctx) {
			let broken = 0;
			const flaky = () => {
				if (ctx.random.below(4) > 0 || broken > 60) return;
				broken++;
				throw new PolylogError("CONNECTION_LOST", "the connection broke (by the kit)");
			};
			const broker = await ctx.connect({
				fetch: async (next, { credit }) => {
					flaky();
					return await next(credit);
				},
				append: async (next) => {
					flaky();
					return await next();
				},
			});
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const [a, b] = [await recorder.follow(group), await recorder.follow(group)];
			await untilBalanced([a.member, b.member], 3);
			const producer = broker.producer(topic, { maxBatchRecords: 8 });
			for (let round = 0; round < 10; round++) {
				await recorder.send(producer, 30, { from: round * 30 });
				await delay(10);
			}
			await recorder.untilHandled(300);
			assert.ok(broken > 5, "the kit broke almost nothing");
			assert.deepEqual([a.stuck, b.stuck, a.failure(), b.failure()], [[], [], undefined, undefined]);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "handling.thousand-partitions",
		promise: "contract point 13: a member owns a thousand partitions and handles what comes in any of them",
		runs: "alone",
		async run(ctx) {
			const broker = await ctx.connect();
			const topics = [await ctx.topic(broker, { partitions: 500 }), await ctx.topic(broker, { partitions: 500 })];
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.group(broker, topics, { sessionTimeoutMs: 10_000 }));
			await until(() => a.member.assignment.length === 1000, "a thousand partitions are assigned", 40_000);
			const [first] = a.member.assignment;
			await until(() => a.member.assignment.every((partition) => a.member.state(partition) === "running"), "all of them run", 40_000);
			for (const [i, topic] of topics.entries()) await recorder.send(broker.producer(topic), 1000, { from: i * 1000, keys: 1000 });
			await recorder.untilHandled(2000, 40_000);
			assert.ok(first && ownedBy(a.member).length === 1000);
			assert.equal(a.lost.length, 0);
			recorder.verify();
		},
	},
];

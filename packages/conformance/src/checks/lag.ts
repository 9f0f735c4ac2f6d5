// Contract point 12: how far behind, never nicer than the truth.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { clock, delay, gate, until } from "../time.ts";

export const lagChecks: readonly Check[] = [
	{
		id: "lag.zero-exactly-when-drained",
		promise: "contract point 12: lag is 0 exactly when the group is drained, and never below what is left otherwise",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 90);
			const held = gate();
			const a = await recorder.follow(group, {
				commitIntervalMs: 20,
				concurrency: 1,
				handle: (message) => (recorder.finished === 40 || message.value.n < 0 ? held.passed : undefined),
			});
			await until(() => recorder.finished === 40, "forty are handled");
			for (let i = 0; i < 10; i++) {
				const { total } = await group.lag();
				assert.ok(total === undefined || total >= 50n, `lag ${total}, and 50 are left`);
				await delay(20);
			}
			held.open();
			await recorder.untilHandled(90);
			await until(async () => (await group.lag()).total === 0n, "the lag of a drained group is 0");
			const drained = await group.lag();
			for (const line of drained.partitions) {
				assert.equal(line.lag, 0n);
				assert.equal(line.ageMs, undefined, "nothing waits, so nothing has an age");
			}
			assert.equal(drained.maxAgeMs, undefined);
			await a.close();
			assert.equal((await group.lag()).total, 0n);
		},
	},
	{
		id: "lag.without-members",
		promise: "contract point 12: lag is told for a group without members too, with the age of what waits longest",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 30);
			const a = await recorder.follow(group);
			await recorder.untilHandled(30);
			await a.close();
			const sending = clock.wall();
			await recorder.send(broker.producer(topic), 5, { from: 100, partition: 1 });
			await delay(300);
			await recorder.send(broker.producer(topic), 5, { from: 200, partition: 1 });
			const lag = await ctx.groupNamed(group.name, await ctx.connect(), topic).lag();
			const atMost = clock.wall() - sending + 5;
			const line = lag.partitions.find(({ partition }) => partition.index === 1);
			assert.ok((line?.lag ?? 0n) >= 10n, `lag ${line?.lag} with 10 waiting`);
			const { earliest = 0n, end = 0n } = line ?? {};
			if (end - earliest === BigInt(recorder.events.filter((event) => event.kind === "sent" && event.partition?.endsWith("/1")).length))
				assert.equal(line?.lag, 10n, "offsets are dense, so the lag is exact");
			assert.ok(
				line?.ageMs !== undefined && line.ageMs >= 295 && line.ageMs <= atMost,
				`age ${line?.ageMs} of something that waits for 300 ms at the least and ${atMost} at the most`,
			);
			assert.equal(lag.partitions.find(({ partition }) => partition.index === 0)?.lag, 0n);
			assert.ok((lag.maxAgeMs ?? 0) >= (line?.ageMs ?? 0));
		},
	},
	{
		id: "lag.never-committed",
		promise: "contract point 12: unknown is not 0: a partition never committed, with records in it, has no lag of 0",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			await ctx.recorder().send(broker.producer(topic), 10, { partition: 0 });
			const lag = await group.lag().then(
				(value) => value,
				() => undefined,
			);
			const line = lag?.partitions.find(({ partition }) => partition.index === 0);
			if (line) {
				assert.equal(line.committed, undefined);
				assert.ok(line.lag === undefined || line.lag >= 10n, `lag ${line.lag}`);
				assert.ok(lag?.total === undefined || lag.total >= 10n);
			}
			assert.ok(!(await broker.consumerGroups()).includes(group.name), "looking at the lag made the group");
		},
	},
	{
		id: "lag.after-retention",
		promise: "contract point 12: what retention removed is not counted as waiting",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1, retention: ctx.shortRetention });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 10, { partition: 0 });
			const a = await recorder.follow(group);
			await recorder.untilHandled(10);
			await a.close();
			const stood = (await group.lag()).partitions[0]?.committed ?? 0n;
			let n = 100;
			await until(
				async () => {
					await broker.producer(topic).sendBatch(Array.from({ length: 1000 }, () => ({ value: { n: n++ }, partition: 0 })));
					return ((await broker.topics.describe(topic)).partitions[0]?.earliest ?? 0n) > stood;
				},
				"retention overtook the group",
				20_000,
			);
			const [line] = (await group.lag()).partitions;
			const described = (await broker.topics.describe(topic)).partitions[0];
			assert.ok(line && described);
			assert.ok(line.lag !== undefined && line.lag >= 50n, `lag ${line.lag} with at least 50 waiting`);
			assert.ok(line.lag <= described.end - described.earliest, `lag ${line.lag} with only ${described.end - described.earliest} retained`);
		},
	},
];

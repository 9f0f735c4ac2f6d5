// What a consumer group is: many processes sharing partitions, each group for itself.
import assert from "node:assert/strict";
import type { Assignor } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import { untilBalanced } from "../settle.ts";
import { delay, stopwatch, until } from "../time.ts";

export const groupChecks: readonly Check[] = [
	{
		id: "groups.share",
		promise: "contract points 1, 7, 8 and 9: members share the partitions; every message is handled, once, in order, by one owner",
		async run(ctx) {
			const [one, two] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(one, { partitions: 4 });
			const name = ctx.groupName();
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.groupNamed(name, one, topic));
			const b = await recorder.follow(ctx.groupNamed(name, two, topic));
			await untilBalanced([a.member, b.member], 4);
			await recorder.send(one.producer(topic), 400);
			await recorder.untilHandled(400);
			await Promise.all([a.close(), b.close()]);
			assert.equal(recorder.verify().duplicates, 0);
			assert.ok(a.seen.length > 0 && b.seen.length > 0, "one member did all the work");
		},
	},
	{
		id: "groups.independent",
		promise: "each group is handed every message, whatever other groups do",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const [first, second] = [ctx.recorder(), ctx.recorder()];
			await first.follow(ctx.group(broker, topic));
			await first.send(broker.producer(topic), 90);
			await first.untilHandled(90);
			await second.follow(ctx.group(broker, topic));
			await second.untilHandled(90);
			assert.equal(first.finished, 90);
			assert.equal(second.finished, 90);
		},
	},
	{
		id: "groups.topics-are-apart",
		promise: "a group of two topics is handed both, and nothing of a third",
		async run(ctx) {
			const broker = await ctx.connect();
			const [one, two, other] = [await ctx.topic(broker, { partitions: 2 }), await ctx.topic(broker), await ctx.topic(broker)];
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.group(broker, [one, two]));
			await recorder.send(broker.producer(one), 30);
			await recorder.send(broker.producer(two), 30, { from: 100 });
			await broker.producer(other).send({ n: 999 });
			await recorder.untilHandled(60);
			assert.equal(a.member.assignment.length, 5);
			assert.deepEqual(new Set(a.seen.map((message) => message.partition.topic)), new Set([one.name, two.name]));
			recorder.verify();
		},
	},
	{
		id: "groups.more-members-than-partitions",
		promise: "contract point 9: members beyond the partitions idle without an error, and take over when an owner leaves",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const all = await Promise.all(Array.from({ length: 5 }, () => recorder.follow(group)));
			await untilBalanced(
				all.map(({ member }) => member),
				3,
			);
			await recorder.send(broker.producer(topic), 60);
			await recorder.untilHandled(60);
			const owner = all.find(({ member }) => member.assignment.length === 1);
			assert.ok(owner);
			await owner.close();
			await untilBalanced(
				all.filter((one) => one !== owner).map(({ member }) => member),
				3,
			);
			await recorder.send(broker.producer(topic), 60, { from: 60 });
			await recorder.untilHandled(120);
			for (const one of all) assert.equal(one.failure(), undefined);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "groups.fifty-join-at-once",
		promise: "contract point 9: fifty members that join at once settle within two sessions, each partition with one owner, shares even",
		runs: "alone",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 60 });
			// The broker's part in it is no matter of sessions.
			const sessionTimeoutMs = Math.max(2 * ctx.sessionTimeoutMs, 4000);
			const group = ctx.group(broker, topic, { sessionTimeoutMs });
			const recorder = ctx.recorder();
			const watch = stopwatch();
			const all = await Promise.all(Array.from({ length: 50 }, () => recorder.follow(group)));
			await untilBalanced(
				all.map(({ member }) => member),
				60,
				4 * sessionTimeoutMs,
			);
			const took = watch.fair();
			assert.ok(took <= 2 * sessionTimeoutMs, `settling took ${Math.round(took)} ms, and ${2 * sessionTimeoutMs} are allowed`);
			await recorder.send(broker.producer(topic), 300, { keys: 300 });
			await recorder.untilHandled(300);
			for (const one of all) assert.equal(one.lost.length, 0, "a member was expired while the group settled");
			await Promise.all(all.map((one) => one.close()));
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "groups.custom-assignor",
		promise: "an assignor of the application's own decides who gets what",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const firstTakesAll: Assignor = {
				name: "first-takes-all",
				assign({ members, topics }) {
					const all = [...topics].flatMap(([name, count]) => Array.from({ length: count }, (_, index) => ({ topic: name, index })));
					return new Map(members.map(({ id }, i) => [id, i === 0 ? all : []]));
				},
			};
			const group = ctx.group(broker, topic, { assignor: firstTakesAll });
			const recorder = ctx.recorder();
			const a = await recorder.follow(group);
			await until(() => a.member.assignment.length === 4, "the first member owns all");
			const b = await recorder.follow(group);
			await until(async () => (await group.describe()).members.length === 2, "two members");
			await recorder.send(broker.producer(topic), 40);
			await recorder.untilHandled(40);
			await delay(ctx.sessionTimeoutMs / 2);
			assert.equal(a.member.assignment.length, 4);
			assert.equal(b.seen.length, 0);
			await a.close();
			await until(() => b.member.assignment.length === 4, "the second takes over");
		},
	},
];

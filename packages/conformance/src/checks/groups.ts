// What a consumer group is: many processes sharing partitions, each group for itself.
import assert from "node:assert/strict";
import type { GroupOptions } from "@polylog/core";
import type { Assignor } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import { hasCode, rejectsWith } from "../expect.ts";
import { readAll } from "../reading.ts";
import type { Item } from "../recorder.ts";
import { ownedBy, untilBalanced } from "../settle.ts";
import { clock, delay, until } from "../time.ts";

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
		id: "groups.describe",
		promise: "a group can be looked at without joining: members, who owns what, fences; looking makes no group",
		async run(ctx) {
			const [broker, onlooker] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(broker, { partitions: 4 });
			const name = ctx.groupName();
			const look = ctx.groupNamed(name, onlooker, topic);
			await rejectsWith(look.describe(), "GROUP_NOT_FOUND");
			assert.ok(!(await onlooker.consumerGroups()).includes(name), "looking at a group made it");
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.groupNamed(name, broker, topic));
			const b = await recorder.follow(ctx.groupNamed(name, broker, topic), { instanceId: "fixed" });
			await untilBalanced([a.member, b.member], 4);
			await until(
				async () => (await look.describe()).members.every((member) => member.partitions.length === 2),
				"the description shows the plan",
			);
			const seen = await look.describe();
			assert.equal(seen.group, name);
			assert.equal(seen.state, "active");
			for (const participant of [a, b]) {
				const member = seen.members.find(({ id }) => id === participant.member.id);
				assert.deepEqual(ownedBy({ assignment: member?.partitions.map(({ partition }) => partition) ?? [] }), ownedBy(participant.member));
			}
			assert.deepEqual(new Set(seen.members.map(({ instanceId }) => instanceId)), new Set(["fixed", undefined]));
			assert.ok((await onlooker.consumerGroups()).includes(name));
			await rejectsWith(look.delete(), "GROUP_ACTIVE");
			await Promise.all([a.close(), b.close()]);
		},
	},
	{
		id: "groups.delete",
		promise: "a group without members can be deleted; made again, it starts anew",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const first = ctx.recorder();
			const a = await first.follow(group);
			await first.send(broker.producer(topic), 20);
			await first.untilHandled(20);
			await a.close();
			await group.delete();
			assert.ok(!(await broker.consumerGroups()).includes(group.name));
			await rejectsWith(group.describe(), "GROUP_NOT_FOUND");
			const second = ctx.recorder();
			await second.follow(group);
			await second.untilHandled(20);
			assert.equal(second.finished, 20);
		},
	},
	{
		id: "groups.survive-without-members",
		promise: "contract point 4: a group's place outlives its members",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			for (let round = 0; round < 3; round++) {
				const a = await recorder.follow(group);
				await recorder.send(broker.producer(topic), 30, { from: round * 30 });
				await recorder.untilHandled((round + 1) * 30);
				await a.close();
			}
			assert.equal((await group.describe()).state, "idle");
			assert.equal(recorder.verify().duplicates, 0);
			assert.equal(recorder.finished, 90);
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
			const sessionTimeoutMs = Math.max(ctx.sessionTimeoutMs, 2000);
			const group = ctx.group(broker, topic, { sessionTimeoutMs });
			const recorder = ctx.recorder();
			const start = clock.now();
			const all = await Promise.all(Array.from({ length: 50 }, () => recorder.follow(group)));
			await untilBalanced(
				all.map(({ member }) => member),
				60,
				2 * sessionTimeoutMs - (clock.now() - start),
			);
			await recorder.send(broker.producer(topic), 300, { keys: 300 });
			await recorder.untilHandled(300);
			for (const one of all) assert.equal(one.lost.length, 0, "a member was expired while the group settled");
			await Promise.all(all.map((one) => one.close()));
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "groups.from",
		promise: "contract point 11: without a commit a partition starts where `from` says: earliest, latest, an offset, a time",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const producer = broker.producer(topic);
			const start = 1_700_000_000_000;
			for (let n = 0; n < 20; n++) await producer.send({ n }, { timestamp: start + n });
			const seventh = (await readAll(broker, topic))[7]?.offset ?? 0n;
			const firstOf = async (from: Partial<GroupOptions<Item>>) => {
				const recorder = ctx.recorder();
				const a = await recorder.follow(ctx.group(broker, topic, from));
				await until(() => a.member.assignment.length === 1, "the partition is assigned");
				await until(() => a.seen.length > 0, "something is delivered");
				return a.seen[0]?.value.n;
			};
			assert.equal(await firstOf({ from: "earliest" }), 0);
			assert.equal(await firstOf({ from: { offset: seventh } }), 7);
			if (ctx.capabilities.offsetAt) assert.equal(await firstOf({ from: { timestamp: start + 11 } }), 11);
		},
	},
	{
		id: "groups.latest-is-pinned",
		promise: "contract point 7: a group from the latest loses nothing that comes between its first assignment and its first commit",
		async run(ctx) {
			const broker = await ctx.connect();
			const cuttable = await ctx.connectCuttable();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const producer = broker.producer(topic);
			await producer.send({ n: 0 });
			const name = ctx.groupName();
			const assigned = Promise.withResolvers<void>();
			const recorder = ctx.recorder();
			const first = await recorder.follow(ctx.groupNamed(name, cuttable.broker, topic, { from: "latest" }), {
				onAssigned: () => assigned.resolve(),
			});
			await assigned.promise;
			await until(
				() =>
					first.member.position({ topic: topic.name, index: 0 }) !== undefined &&
					first.member.state({ topic: topic.name, index: 0 }) === "running",
				"the partition runs",
			);
			cuttable.cut();
			recorder.killed(first);
			await producer.send({ n: 1 });
			await recorder.follow(ctx.groupNamed(name, broker, topic, { from: "latest" }));
			await until(
				() => recorder.events.some((event) => event.kind === "finished"),
				"the message sent while nobody was there is handled",
				ctx.takeoverMs + 10_000,
			);
			const started = recorder.events.filter((event) => event.kind === "started").map((event) => event.id);
			assert.equal(started[0], "1");
			assert.ok(!started.includes("0"), "a message from before was handled by a group from the latest");
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
	{
		id: "groups.static-restart",
		promise: "static membership: a restart under one instanceId within the session gets its partitions back, and no other member's move",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 6 });
			const group = ctx.group(broker, topic, { sessionTimeoutMs: 4000 });
			const recorder = ctx.recorder();
			const moves: string[] = [];
			const a = await recorder.follow(group, { instanceId: "a" });
			const b = await recorder.follow(group, { instanceId: "b" });
			await untilBalanced([a.member, b.member], 6);
			const [before, others] = [ownedBy(a.member), ownedBy(b.member)];
			b.member.on("assigned", (partitions) => moves.push(...ownedBy({ assignment: partitions })));
			b.member.on("revoked", (partitions) => moves.push(...ownedBy({ assignment: partitions })));
			await recorder.send(broker.producer(topic), 120);
			await recorder.untilHandled(120);
			await a.close();
			const again = await recorder.follow(group, { instanceId: "a" });
			await until(() => again.member.assignment.length === 3, "the restarted member has its partitions", 3000);
			assert.deepEqual(ownedBy(again.member), before);
			assert.deepEqual(ownedBy(b.member), others);
			assert.deepEqual(moves, []);
			await recorder.send(broker.producer(topic), 60, { from: 200 });
			await recorder.untilHandled(180);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "groups.static-twice",
		promise: "static membership: of two members with one instanceId the older ends with MEMBER_REPLACED, and exactly one goes on",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const older = await recorder.follow(group, { instanceId: "same" });
			await until(() => older.member.assignment.length === 3, "the older owns all");
			const newer = await recorder.follow(group, { instanceId: "same" });
			await until(() => older.failure() !== undefined, "the older one ends");
			hasCode(older.failure(), "MEMBER_REPLACED");
			await until(() => newer.member.assignment.length === 3, "the newer owns all");
			await recorder.send(broker.producer(topic), 60);
			await recorder.untilHandled(60);
			assert.equal(newer.seen.length, 60);
			assert.equal(newer.failure(), undefined);
			await delay(ctx.sessionTimeoutMs);
			assert.equal((await group.describe()).members.length, 1);
		},
	},
];

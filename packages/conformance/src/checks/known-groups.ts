// What is known of a group: to whoever asks, and to the group itself when its members come back.
import assert from "node:assert/strict";
import type { GroupOptions } from "@polylog/core";
import type { Check } from "../check.ts";
import { rejectsWith } from "../expect.ts";
import { readAll } from "../reading.ts";
import type { Item } from "../recorder.ts";
import { ownedBy, untilBalanced } from "../settle.ts";
import { until } from "../time.ts";

export const knownGroupChecks: readonly Check[] = [
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
];

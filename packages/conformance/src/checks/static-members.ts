// Static membership: a member that comes back under its id is the same one.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { hasCode } from "../expect.ts";
import { ownedBy, untilBalanced } from "../settle.ts";
import { delay, until } from "../time.ts";

export const staticMemberChecks: readonly Check[] = [
	{
		id: "groups.static-restart",
		promise: "static membership: a restart under one instanceId within the session gets its partitions back, and no other member's move",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 6 });
			// A member that is taken for another one waits for its former self's session: six seconds at the least.
			const group = ctx.group(broker, topic, { sessionTimeoutMs: 9000 });
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
			await until(() => again.member.assignment.length === 3, "the restarted member has its partitions", 5000);
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

// Contract points 5 and 9: what an owner may do, from when to when.
import assert from "node:assert/strict";
import type { Partition } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import type { HistoryEvent, StartedEvent } from "../history/event.ts";
import { ownedBy, untilBalanced } from "../settle.ts";
import { clock, delay, until } from "../time.ts";
import { flow } from "./flow.ts";

const isStarted = (event: HistoryEvent): event is StartedEvent => event.kind === "started";

export const fencingChecks: readonly Check[] = [
	{
		id: "rebalance.lease",
		promise:
			"contract points 5 and 9: a member that hears nothing any more starts no handler past its session, however much it has read ahead",
		async run(ctx) {
			const [broker, doomed] = [await ctx.connect(), await ctx.connectCuttable()];
			const topic = await ctx.topic(broker, { partitions: 1 });
			const name = ctx.groupName();
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 600, { partition: 0 });
			const a = await recorder.follow(ctx.groupNamed(name, doomed.broker, topic), { handle: () => delay(15) });
			await until(() => a.seen.length > 5, "it works");
			doomed.cut();
			recorder.killed(a);
			const cut = clock.wall();
			const b = await recorder.follow(ctx.groupNamed(name, broker, topic));
			await until(() => b.seen.length > 0, "the next member takes over", ctx.takeoverMs + 5000);
			await delay(ctx.sessionTimeoutMs / 2);
			const late = recorder.events.filter(isStarted).filter((event) => event.member === a.name && event.at > cut + ctx.sessionTimeoutMs);
			assert.equal(late.length, 0, `the member went on with ${late.length} messages after its session had ended`);
			await recorder.untilHandled(600);
		},
	},
	{
		id: "rebalance.fence-rises",
		promise: "contract point 5: the fence of a partition rises with every change of its owner, and stays while the owner does",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const fences: bigint[] = [];
			// Handed over to one who waits, and, half way, found again by one who comes after everybody had left.
			let owner = await recorder.follow(group);
			for (let round = 0; round < 4; round++) {
				await until(() => owner.member.assignment.length === 1, "the member owns the partition");
				await recorder.send(broker.producer(topic), 5, { from: round * 5 });
				await recorder.untilHandled(round * 5 + 5);
				const seen = new Set(owner.seen.map((message) => message.fence));
				assert.equal(seen.size, 1);
				fences.push(...seen);
				const waiting = round === 1 ? undefined : await recorder.follow(group);
				await owner.close();
				owner = waiting ?? (await recorder.follow(group));
			}
			for (let i = 1; i < fences.length; i++) assert.ok((fences[i] ?? 0n) > (fences[i - 1] ?? 0n), `fences ${fences.join()}`);
			recorder.verify();
		},
	},
	{
		id: "rebalance.nothing-after-revoke",
		promise: "contract point 9: once a partition is given up, none of its handlers starts; the member's hooks and its assignment agree",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const owned = new Set<string>();
			const wrong: string[] = [];
			const note = (how: "add" | "delete") => (partitions: readonly Partition[]) =>
				partitions.forEach((partition) => void owned[how](partitionKey(partition)));
			const a = await recorder.follow(group, {
				onAssigned: note("add"),
				onRevoked: note("delete"),
				handle(message) {
					if (!owned.has(partitionKey(message.partition))) wrong.push(`${partitionKey(message.partition)}@${message.offset}`);
				},
			});
			const stream = flow(broker, recorder, topic, 4);
			const b = await recorder.follow(group);
			await untilBalanced([a.member, b.member], 4);
			assert.deepEqual(owned, new Set(ownedBy(a.member)));
			await b.close();
			await until(() => a.member.assignment.length === 4, "the first owns all again");
			const total = await stream.stop();
			await recorder.untilHandled(total);
			assert.deepEqual(wrong, []);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
];

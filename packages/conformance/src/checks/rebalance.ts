// Contract points 5, 8 and 9: what a change of owner costs, and whom.
import assert from "node:assert/strict";
import { partitionKey } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import type { HistoryEvent, StartedEvent } from "../history/event.ts";
import { ownedBy, untilBalanced } from "../settle.ts";
import { clock, delay, gate, stopwatch, until } from "../time.ts";
import { flow } from "./flow.ts";

const isStarted = (event: HistoryEvent): event is StartedEvent => event.kind === "started";

interface Place {
	readonly at: number;
	readonly partition: string;
}

/** The longest time without any of these in the partition, in ms. */
function longestGap(places: readonly Place[], partition: string, from: number, to: number): number {
	const times = places.filter((place) => place.partition === partition && place.at >= from && place.at <= to);
	let [gap, last] = [0, from];
	for (const at of [...times.map((place) => place.at), to]) {
		gap = Math.max(gap, at - last);
		last = at;
	}
	return gap;
}

export const rebalanceChecks: readonly Check[] = [
	{
		id: "rebalance.join",
		promise: "contract point 9: a join moves no more partitions than balance needs, and the others keep flowing",
		runs: "alone",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 6 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const [a, b] = [await recorder.follow(group, { commitIntervalMs: 100 }), await recorder.follow(group, { commitIntervalMs: 100 })];
			await untilBalanced([a.member, b.member], 6);
			const owners = new Map([a, b].flatMap((one) => ownedBy(one.member).map((partition) => [partition, one.name])));
			const stream = flow(broker, recorder, topic, 6);
			await until(() => recorder.distinct > 60, "messages flow");
			const reader = await ctx.connect();
			const [read, over] = [[] as Place[], new AbortController()];
			const reading = (async () => {
				for await (const { partition } of reader.read(topic, { from: "latest", signal: over.signal }))
					read.push({ at: clock.wall(), partition: partitionKey(partition) });
			})().catch(() => {});
			await until(() => new Set(read.map(({ partition }) => partition)).size === 6, "a reader without a group reads all partitions");
			const start = clock.wall();
			const c = await recorder.follow(await ctx.connect().then((other) => ctx.groupNamed(group.name, other, topic)), {
				commitIntervalMs: 100,
			});
			await untilBalanced([a.member, b.member, c.member], 6);
			// A standstill that began with the join has to show.
			await delay(1500);
			const end = clock.wall();
			over.abort();
			await reading;
			const total = await stream.stop();
			await recorder.untilHandled(total);
			const moved = ownedBy(c.member);
			assert.equal(moved.length, 2);
			const stayed = [...owners.keys()].filter((partition) => !moved.includes(partition));
			for (const partition of stayed) {
				const fences = new Set(
					recorder.events
						.filter(isStarted)
						.filter((event) => event.partition === partition)
						.map((event) => event.fence),
				);
				assert.equal(fences.size, 1, `${partition} changed hands though balance did not need it`);
				// A busy machine or broker holds up a reader without a group as well: that is not the group's doing.
				const gap = longestGap(recorder.events.filter(isStarted), partition, start, end) - longestGap(read, partition, start, end);
				assert.ok(gap < 500, `${partition} stood still for ${gap} ms in a rebalance of ${end - start} ms that was not about it`);
			}
			const verdict = recorder.verify();
			assert.equal(verdict.duplicates, 0);
			assert.equal(verdict.ownerChanges, 2);
		},
	},
	{
		id: "rebalance.leave",
		promise: "contract points 8 and 9: a member that closes hands over within 2 s, with no duplicate; only its own partitions move",
		runs: "alone",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 6 });
			// Long enough that nobody could take over in time if the member left without a word.
			const group = ctx.group(broker, topic, { sessionTimeoutMs: 6000 });
			const recorder = ctx.recorder();
			const members = [await recorder.follow(group), await recorder.follow(group), await recorder.follow(group)];
			await untilBalanced(
				members.map(({ member }) => member),
				6,
			);
			const stream = flow(broker, recorder, topic, 6);
			await until(() => recorder.distinct > 60, "messages flow");
			const [leaving, ...rest] = members;
			assert.ok(leaving);
			const freed = ownedBy(leaving.member);
			const watch = stopwatch();
			await leaving.close();
			await untilBalanced(
				rest.map(({ member }) => member),
				6,
				20_000,
			);
			await until(
				() =>
					freed.every((partition) =>
						recorder.events.some((event) => isStarted(event) && event.partition === partition && event.member !== leaving.name),
					),
				"the freed partitions flow",
			);
			// Without a word it takes four seconds at the least.
			const took = watch.fair();
			// What moves without need may move after the freed ones have.
			await delay(700);
			const total = await stream.stop();
			await recorder.untilHandled(total);
			assert.ok(took < 2000, `the hand-over took ${Math.round(took)} ms`);
			const verdict = recorder.verify();
			assert.equal(verdict.duplicates, 0);
			assert.equal(verdict.ownerChanges, 2, "more partitions moved than were freed");
		},
	},
	{
		id: "rebalance.revoke-before-assign",
		promise: "contract point 9: the next owner starts only after the work in hand has ended and onRevoked, which may commit, is done",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 2 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const order: string[] = [];
			const held = gate();
			const a = await recorder.follow(group, {
				commit: "manual",
				async handle(message) {
					if (message.value.n < 2) await held.passed;
					order.push(`a handled ${partitionKey(message.partition)}`);
				},
				async onRevoked(partitions, member) {
					order.push(...partitions.map((partition) => `a gives ${partitionKey(partition)}`));
					await delay(150);
					await member.commit();
					order.push(...partitions.map((partition) => `a gave ${partitionKey(partition)}`));
				},
			});
			await until(() => a.member.assignment.length === 2, "the first owns both");
			await recorder.send(broker.producer(topic), 1, { from: 0, partition: 0 });
			await recorder.send(broker.producer(topic), 1, { from: 1, partition: 1 });
			await until(() => a.seen.length === 2, "both messages are in hand");
			const b = await recorder.follow(group, {
				onAssigned: (partitions) => void order.push(...partitions.map((partition) => `b has ${partitionKey(partition)}`)),
			});
			await delay(600);
			assert.equal(b.member.assignment.length, 0, "a partition moved while its handler ran");
			held.open();
			await untilBalanced([a.member, b.member], 2);
			await recorder.send(broker.producer(topic), 1, { from: 2, partition: 0 });
			await recorder.send(broker.producer(topic), 1, { from: 3, partition: 1 });
			await recorder.untilHandled(4);
			const [moved] = ownedBy(b.member);
			const steps = order.filter((step) => step.endsWith(` ${moved}`)).slice(0, 4);
			assert.deepEqual(steps, [`a handled ${moved}`, `a gives ${moved}`, `a gave ${moved}`, `b has ${moved}`]);
			assert.equal(recorder.verify().duplicates, 0, "what onRevoked committed was delivered again");
		},
	},
	{
		id: "rebalance.death",
		promise:
			"contract points 5, 7, 8 and 9: a member that is cut off is replaced within session + 2 heartbeats + 2 s; nothing is lost, and only what it had in hand comes again",
		runs: "alone",
		async run(ctx) {
			const [broker, doomed] = [await ctx.connect(), await ctx.connectCuttable()];
			const topic = await ctx.topic(broker, { partitions: 4 });
			const name = ctx.groupName();
			const recorder = ctx.recorder();
			// It commits when it is told to, so that no commit is under way when it dies over something that is handled.
			const a = await recorder.follow(ctx.groupNamed(name, doomed.broker, topic), { commitIntervalMs: 600_000 });
			const b = await recorder.follow(ctx.groupNamed(name, broker, topic), { commitIntervalMs: 100 });
			await untilBalanced([a.member, b.member], 4);
			const orphans = ownedBy(a.member);
			const stream = flow(broker, recorder, topic, 4);
			const lastOf = (kind: "finished" | "committed", partition: string) => {
				const last = recorder.events.findLast((event) => event.kind === kind && event.partition === partition && event.member === a.name);
				return last && "offset" in last ? last.offset : undefined;
			};
			const uncommitted = (partition: string) => (lastOf("finished", partition) ?? -1n) >= (lastOf("committed", partition) ?? 0n);
			await until(
				() =>
					orphans.every(
						(partition) => recorder.events.filter((event) => event.kind === "finished" && event.partition === partition).length > 15,
					),
				"messages flow",
			);
			await a.member.commit();
			await until(() => orphans.every(uncommitted), "something is handled and not committed");
			doomed.cut();
			recorder.killed(a);
			const start = clock.wall();
			const watch = stopwatch();
			await until(
				() =>
					orphans.every((partition) =>
						recorder.events.some((event) => isStarted(event) && event.partition === partition && event.member === b.name),
					),
				"the survivor takes over",
				ctx.takeoverMs + 3000,
			);
			const took = watch.fair();
			const total = await stream.stop();
			await recorder.untilHandled(total);
			assert.ok(took <= ctx.takeoverMs, `the take-over took ${Math.round(took)} ms, and ${ctx.takeoverMs} are allowed`);
			const verdict = recorder.verify();
			assert.ok(verdict.duplicates > 0, "nothing came again, so nothing was tested");
			const late = recorder.events.filter(isStarted).filter((event) => event.member === a.name && event.at > start + ctx.sessionTimeoutMs);
			assert.deepEqual(late, [], "the member went on after its session had ended");
		},
	},
	{
		id: "rebalance.storm",
		promise: "contract points 5, 7, 8 and 9: members that come and go all the time lose nothing, double nothing, and never own together",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 8 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const options = { commitIntervalMs: 50, handle: () => delay(ctx.random.below(4)) };
			const members = [await recorder.follow(group, options)];
			const stream = flow(broker, recorder, topic, 8);
			// Each partition has somebody at first; what is assigned after that has moved. A slow broker takes more rounds.
			const moved = () => recorder.events.reduce((sum, event) => sum + (event.kind === "assigned" ? event.partitions.length : 0), -8);
			for (let round = 0; round < 10 || (moved() < 8 && round < 60); round++) {
				const joins = members.length < 2 || (members.length < 5 && (round % 3 === 0 || ctx.random.below(2) === 0));
				if (joins) members.push(await recorder.follow(group, options));
				else await members.splice(ctx.random.below(members.length), 1)[0]?.close();
				await delay(150 + ctx.random.below(200));
			}
			const total = await stream.stop();
			await recorder.untilHandled(total, 20_000);
			await untilBalanced(
				members.map(({ member }) => member),
				8,
			);
			await Promise.all(members.map((one) => one.close()));
			const verdict = recorder.verify();
			assert.equal(verdict.duplicates, 0);
			assert.ok(verdict.ownerChanges >= 5, "the storm moved almost nothing");
		},
	},
];

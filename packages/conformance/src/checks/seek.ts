// Contract point 10: moving a live member.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { hasCode } from "../expect.ts";
import { readAll } from "../reading.ts";
import { after, committedAt, standsBetween } from "../settle.ts";
import { delay, gate, until, within } from "../time.ts";

/** A topic of one partition with 100 messages. */
export async function hundred(ctx: CheckContext) {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { partitions: 1 });
	const recorder = ctx.recorder();
	await recorder.send(broker.producer(topic), 100, { partition: 0 });
	const offsets = recorder.events.flatMap((event) => (event.kind === "sent" && event.offset !== undefined ? [event.offset] : []));
	return { broker, topic, recorder, group: ctx.group(broker, topic), partition: { topic: topic.name, index: 0 }, offsets };
}

export const seekChecks: readonly Check[] = [
	{
		id: "seek.with-work-in-hand",
		promise: "contract point 10: once seek has resolved no older message starts, and the one in hand then commits nothing of the old place",
		async run(ctx) {
			const { recorder, group, partition } = await hundred(ctx);
			const held = gate();
			let soughtAt = -1;
			const a = await recorder.follow(group, {
				commitIntervalMs: 30,
				handle: (message) => (message.value.n === 50 && soughtAt < 0 ? held.passed : undefined),
			});
			await until(() => a.seen.length === 51, "message 50 is in hand");
			const [tenth, fiftieth] = [a.seen[10]?.offset ?? 0n, a.seen[50]?.offset ?? 0n];
			const seeking = a.member.seek({ offset: tenth }, [partition]);
			const early = await Promise.race([seeking.then(() => true), delay(300).then(() => false)]);
			if (early) soughtAt = a.seen.length;
			held.open();
			await within(5000, "the seek", () => seeking);
			if (soughtAt < 0) soughtAt = a.seen.length;
			await until(() => a.seen.length > soughtAt + 10, "messages come again");
			assert.equal(a.seen[soughtAt]?.offset, tenth, "the first message after the seek");
			assert.deepEqual(
				a.seen.slice(soughtAt, soughtAt + 10).map((message) => message.value.n),
				[10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
			);
			await until(() => a.seen.at(-1)?.value.n === 99, "all is handled again");
			assert.ok(fiftieth > tenth);
		},
	},
	{
		id: "seek.old-work-commits-nothing",
		promise: "contract points 6 and 10: work of before a seek that ends after it does not move the commit past what comes again",
		async run(ctx) {
			const { recorder, group, partition } = await hundred(ctx);
			const [held, again] = [gate(), gate()];
			let sought = false;
			const a = await recorder.follow(group, {
				commitIntervalMs: 20,
				handle(message) {
					if (!sought && message.value.n === 50) return held.passed;
					return sought && message.value.n === 12 ? again.passed : undefined;
				},
			});
			await until(() => a.seen.length === 51, "message 50 is in hand");
			const [eleventh, twelfth] = [a.seen[11]?.offset ?? 0n, a.seen[12]?.offset ?? 0n];
			const stands = async () => standsBetween(await committedAt(group, partition), eleventh, twelfth);
			sought = true;
			const seeking = a.member.seek({ offset: a.seen[10]?.offset ?? 0n }, [partition]);
			held.open();
			await within(5000, "the seek", () => seeking);
			await until(() => a.seen.at(-1)?.value.n === 12, "message 12 is in hand again");
			await until(stands, "what was handled after the seek is committed, backwards");
			await delay(100);
			assert.ok(await stands(), "work of before the seek was committed");
			again.open();
			await until(() => a.seen.at(-1)?.value.n === 99, "the rest follows");
		},
	},
	{
		id: "seek.not-persisted",
		promise: "contract point 10: a seek alone is not persisted; the next member starts at what was committed",
		async run(ctx) {
			const { recorder, group, partition, broker, topic } = await hundred(ctx);
			const a = await recorder.follow(group);
			await recorder.untilHandled(100);
			await a.member.commit();
			const stood = await committedAt(group, partition);
			a.member.pause();
			await a.member.seek("earliest");
			assert.ok(standsBetween(a.member.position(partition), -1n, a.seen[0]?.offset ?? -1n), "the position is not before the first message");
			await a.close();
			assert.equal(await committedAt(group, partition), stood, "closing persisted a seek");
			const b = await recorder.follow(group);
			await recorder.send(broker.producer(topic), 1, { from: 100, partition: 0 });
			await recorder.untilHandled(101);
			assert.deepEqual(
				b.seen.map((message) => message.value.n),
				[100],
			);
		},
	},
	{
		id: "seek.persisted-by-commit",
		promise: "contract points 6 and 10: the first commit after a seek persists it, backwards too",
		async run(ctx) {
			const { recorder, group, partition } = await hundred(ctx);
			const held = gate();
			let sought = false;
			const a = await recorder.follow(group, {
				commit: "manual",
				handle: (message) => (sought && message.value.n === 11 ? held.passed : undefined),
			});
			await recorder.untilHandled(100);
			await a.member.commit();
			const tenth = a.seen[10];
			assert.ok(tenth);
			sought = true;
			await a.member.seek({ offset: tenth.offset });
			await until(() => a.seen.length === 102, "message 11 is in hand again");
			await a.member.commit();
			assert.equal(await committedAt(group, partition), after(tenth));
			held.open();
		},
	},
	{
		id: "seek.one-partition",
		promise: "contract point 10: seeking one partition leaves the others where they are",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const recorder = ctx.recorder();
			for (let i = 0; i < 3; i++) await recorder.send(broker.producer(topic), 20, { from: i * 20, partition: i });
			const a = await recorder.follow(ctx.group(broker, topic));
			await recorder.untilHandled(60);
			await a.member.seek("earliest", [{ topic: topic.name, index: 1 }]);
			await until(() => a.seen.length === 80, "20 messages come again");
			await delay(150);
			assert.deepEqual(
				a.seen.slice(60).map((message) => message.partition.index),
				Array.from({ length: 20 }, () => 1),
			);
			assert.deepEqual(
				a.seen.slice(60).map((message) => message.value.n),
				Array.from({ length: 20 }, (_, i) => 20 + i),
			);
		},
	},
	{
		id: "seek.forward-and-by-time",
		promise: "contract point 10: a seek may go forward, to the end, or to a time",
		needs: ["offsetAt"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const producer = broker.producer(topic);
			const start = 1_700_000_000_000;
			for (let n = 0; n < 50; n++) await producer.send({ n }, { timestamp: start + n * 100 });
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.group(broker, topic));
			await recorder.untilHandled(50);
			await a.member.seek({ timestamp: start + 4550 });
			await until(() => a.seen.length === 54, "the last four come again");
			assert.deepEqual(
				a.seen.slice(50).map((message) => message.value.n),
				[46, 47, 48, 49],
			);
			a.member.pause();
			for (let n = 50; n < 60; n++) await producer.send({ n }, { timestamp: start + n * 100 });
			await a.member.seek("latest");
			a.member.resume();
			await producer.send({ n: 60 });
			await until(() => a.seen.length > 54, "the new message comes");
			assert.deepEqual(
				a.seen.slice(54).map((message) => message.value.n),
				[60],
			);
		},
	},
	{
		id: "seek.in-onAssigned",
		promise: "contract point 10: onAssigned may seek, before anything is delivered",
		async run(ctx) {
			const { broker, topic, recorder, group } = await hundred(ctx);
			const offset = (await readAll(broker, topic))[95]?.offset ?? 0n;
			const a = await recorder.follow(group, {
				async onAssigned(partitions, member) {
					await delay(100);
					await member.seek({ offset }, partitions);
				},
			});
			await until(() => a.seen.length >= 5, "five messages come");
			assert.deepEqual(
				a.seen.map((message) => message.value.n),
				[95, 96, 97, 98, 99],
			);
		},
	},
	{
		id: "seek.out-of-range",
		promise: "contract point 11: seeking out of range is OFFSET_OUT_OF_RANGE, never a silent move",
		async run(ctx) {
			const { recorder, group, partition } = await hundred(ctx);
			const a = await recorder.follow(group);
			await recorder.untilHandled(100);
			const last = a.seen.at(-1)?.offset ?? 0n;
			const outcome = await within(5000, "the seek", () =>
				a.member.seek({ offset: last + 1000n }, [partition]).then(
					() => undefined,
					(error: unknown) => error,
				),
			);
			if (outcome === undefined) await until(() => a.stuck.length > 0, "the partition is stuck, since the seek resolved");
			const error = hasCode(outcome ?? a.stuck[0]?.error, "OFFSET_OUT_OF_RANGE");
			assert.equal(error.context.requested, last + 1000n);
			await a.close();
			assert.equal(await committedAt(group, partition), last + 1n, "a seek out of range was committed");
		},
	},
];

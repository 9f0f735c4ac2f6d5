// Contract point 1: one log, the same for all who read it.
import assert from "node:assert/strict";
import type { Message } from "@polylog/core";
import type { Check } from "../check.ts";
import { isAbort, rejectsWith } from "../expect.ts";
import { byPartition, readAll } from "../reading.ts";
import type { Item } from "../recorder.ts";
import { until, within } from "../time.ts";

const places = (messages: readonly Message<Item>[]) =>
	messages.map(({ partition, offset, value }) => `${partition.index}@${offset}=${value.n}`);

async function collect(messages: AsyncIterable<Message<Item>>): Promise<Message<Item>[]> {
	const all: Message<Item>[] = [];
	for await (const message of messages) all.push(message);
	return all;
}

export const readingChecks: readonly Check[] = [
	{
		id: "reading.same-view",
		promise: "contract point 1: offsets rise strictly, and every reader sees the same (offset, value) pairs",
		async run(ctx) {
			const [one, two] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(one);
			const writing = [one, two].map((broker, i) =>
				Promise.all(Array.from({ length: 150 }, (_, n) => broker.producer(topic).send({ n: i * 1000 + n }, { key: `${n}` }))),
			);
			const tail: Message<Item>[] = [];
			const stop = new AbortController();
			const tailing = (async () => {
				for await (const message of two.read(topic, { from: "earliest", signal: stop.signal })) tail.push(message);
			})().catch(() => {});
			await Promise.all(writing);
			await until(
				() => tail.length >= 300,
				() => `the tail read 300 (${tail.length})`,
			);
			stop.abort();
			await within(3000, "ending the tail", () => tailing);
			const [a, b] = [await readAll(one, topic), await readAll(two, topic)];
			assert.equal(a.length, 300);
			for (const [index, lane] of byPartition(a)) {
				for (let i = 1; i < lane.length; i++) assert.ok((lane[i]?.offset ?? 0n) > (lane[i - 1]?.offset ?? 0n));
				assert.deepEqual(places(byPartition(b).get(index) ?? []), places(lane));
				assert.deepEqual(places(byPartition(tail).get(index) ?? []), places(lane), "what was read while it was written");
				assert.equal(new Set(lane.map((message) => message.value.n)).size, lane.length);
			}
		},
	},
	{
		id: "reading.bounded",
		promise: "contract point 1: a bounded read gives exactly the records from `from` up to, and without, `to`",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			for (let n = 0; n < 30; n++) await broker.producer(topic).send({ n }, { partition: 1 });
			const all = await readAll(broker, topic);
			const [from, to] = [all[7]?.offset ?? 0n, all[21]?.offset ?? 0n];
			const part = await within(20_000, "a bounded read", () =>
				collect(broker.read(topic, { partition: 1, from: { offset: from }, to: { offset: to } })),
			);
			assert.deepEqual(places(part), places(all.slice(7, 21)));
			const none = await within(20_000, "reading an empty range", () =>
				collect(broker.read(topic, { partition: 1, from: "latest", to: "latest" })),
			);
			assert.deepEqual(none, []);
			assert.deepEqual(places(await collect(broker.read(topic, { partition: 0, to: "latest" }))), []);
		},
	},
	{
		id: "reading.moves-no-group",
		promise:
			"contract points 6 and 10: a replay beside a live group gives the same records twice over, and moves neither its place nor its members",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 90);
			const a = await recorder.follow(group);
			await recorder.untilHandled(90);
			await a.member.commit();
			const [{ generation }, stood] = [await group.describe(), await group.committed()];
			const bytes = (messages: readonly Message<Item>[]) =>
				messages.map(({ partition, raw }) => `${partition.index}@${raw.offset}=${Buffer.from(raw.value ?? []).toString("hex")}`);
			const lanes = async () => [...byPartition(await readAll(broker, topic))].toSorted(([x], [y]) => x - y).map(([, lane]) => bytes(lane));
			assert.deepEqual(await lanes(), await lanes());
			assert.equal((await group.describe()).generation, generation);
			assert.deepEqual([...(await group.committed())], [...stood]);
			assert.equal(a.seen.length, 90);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "reading.by-time",
		promise: "a position given as a time is the first record at or after it",
		needs: ["offsetAt"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const start = 1_700_000_000_000;
			for (let n = 0; n < 40; n++) await broker.producer(topic).send({ n }, { partition: 2, timestamp: start + n * 10 });
			const from = async (timestamp: number | Date) =>
				(
					await within(20_000, "reading from a time", () =>
						collect(broker.read(topic, { partition: 2, from: { timestamp }, to: "latest" })),
					)
				)[0]?.value.n;
			assert.equal(await from(start + 100), 10);
			assert.equal(await from(new Date(start + 101)), 11);
			assert.equal(await from(start - 5000), 0);
			assert.equal(await from(start + 10_000), undefined);
		},
	},
	{
		id: "reading.tail",
		promise: "reading from the latest gives only what is appended afterwards, and ends when its signal aborts",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			await producer.send({ n: 1 }, { partition: 0 });
			const seen: number[] = [];
			const stop = new AbortController();
			const tailing = (async () => {
				for await (const message of broker.read(topic, { from: "latest", signal: stop.signal })) seen.push(message.value.n);
			})().catch((error: unknown) => assert.ok(isAbort(error), `a read that was aborted rejected with ${String(error)}`));
			// Awaited below, unless the check fails before that.
			tailing.catch(() => {});
			await until(async () => {
				await producer.send({ n: 2 }, { partition: 0 });
				return seen.length > 0;
			}, "the tail sees a new message");
			assert.ok(!seen.includes(1), "an old message was read from the latest position");
			stop.abort();
			await within(2000, "ending a read by its signal", () => tailing);
		},
	},
	{
		id: "reading.leaving-the-loop",
		promise: "breaking out of a read ends it at once",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			await broker.producer(topic).send({ n: 1 });
			const first = async () => {
				for await (const message of broker.read(topic)) return message.value.n;
				return undefined;
			};
			assert.equal(await within(3000, "leaving a read", () => first()), 1);
		},
	},
	{
		id: "reading.out-of-range",
		promise: "contract point 11: reading from beyond the end is OFFSET_OUT_OF_RANGE with requested, earliest and end",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			for (let n = 0; n < 5; n++) await broker.producer(topic).send({ n }, { partition: 0 });
			const end = (await broker.topics.describe(topic)).partitions[0]?.end ?? 0n;
			const error = await rejectsWith(
				within(20_000, "reading beyond the end", () => collect(broker.read(topic, { partition: 0, from: { offset: end + 100n } }))),
				"OFFSET_OUT_OF_RANGE",
			);
			assert.equal(error.context.requested, end + 100n);
			assert.equal(error.context.end, end);
			assert.equal(error.context.topic, topic.name);
			assert.equal(error.context.partition, 0);
		},
	},
	{
		id: "reading.fell-behind-retention",
		promise: "contract points 1 and 11: a reader that retention overtook is told so, and skips nothing in silence",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { retention: ctx.shortRetention });
			const producer = broker.producer(topic);
			for (let n = 0; n < 10; n++) await producer.send({ n }, { partition: 0 });
			const first = (await broker.topics.describe(topic)).partitions[0]?.earliest ?? 0n;
			await overflow();
			const error = await rejectsWith(
				within(20_000, "reading a removed position", () =>
					collect(broker.read(topic, { partition: 0, from: { offset: first }, to: "latest" })),
				),
				"OFFSET_OUT_OF_RANGE",
			);
			assert.equal(error.context.requested, first);
			assert.ok((error.context.earliest ?? 0n) > first);
			const left = await readAll(broker, topic);
			assert.ok(left.length >= 50, `retention of 50 records left ${left.length}`);
			const numbers = left.map((message) => message.value.n);
			assert.deepEqual(
				numbers,
				[...numbers].sort((x, y) => x - y),
			);

			async function overflow() {
				let n = 10;
				await until(
					async () => {
						await producer.sendBatch(Array.from({ length: 1000 }, () => ({ value: { n: n++ }, partition: 0 })));
						return ((await broker.topics.describe(topic)).partitions[0]?.earliest ?? 0n) > first;
					},
					"retention removed the first record",
					20_000,
				);
			}
		},
	},
];

// Topics: made, looked at, grown, deleted; and errors with a code for what is not there.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { isAbort, rejectsWith } from "../expect.ts";
import { readAll } from "../reading.ts";
import { delay, until, within } from "../time.ts";

export const topicChecks: readonly Check[] = [
	{
		id: "topics.life",
		promise: "topics are made, described, listed and deleted; what is not there is TOPIC_NOT_FOUND, what is there TOPIC_EXISTS",
		async run(ctx) {
			const [broker, other] = [await ctx.connect(), await ctx.connect()];
			const topic = ctx.topicName<unknown>();
			await rejectsWith(broker.topics.describe(topic), "TOPIC_NOT_FOUND");
			await rejectsWith(broker.topics.delete(topic), "TOPIC_NOT_FOUND");
			await broker.topics.create(topic, { partitions: 5 });
			await rejectsWith(other.topics.create(topic.name, { partitions: 5 }), "TOPIC_EXISTS");
			const described = await other.topics.describe(topic);
			assert.deepEqual(
				described.partitions.map(({ index }) => index),
				[0, 1, 2, 3, 4],
			);
			for (const { earliest, end } of described.partitions) assert.equal(earliest, end);
			assert.ok((await other.topics.list()).includes(topic.name));
			assert.equal(
				(await other.topics.ensure(topic.name, { partitions: 2 })).partitions.length,
				5,
				"ensure keeps the shape of what exists",
			);
			await other.topics.delete(topic);
			await rejectsWith(broker.topics.describe(topic), "TOPIC_NOT_FOUND");
			assert.ok(!(await broker.topics.list()).includes(topic.name));
			assert.equal((await broker.topics.ensure(topic.name, { partitions: 2 })).partitions.length, 2);
		},
	},
	{
		id: "topics.made-by-first-use",
		promise: "a topic is made by its first use with the partitions of its definition, by many at once too",
		async run(ctx) {
			const brokers = [await ctx.connect(), await ctx.connect(), await ctx.connect()];
			const topic = ctx.topicName<{ n: number }>({ partitions: 4 });
			await Promise.all(brokers.map((broker, n) => broker.producer(topic).send({ n })));
			const [broker] = brokers;
			assert.ok(broker);
			assert.equal((await broker.topics.describe(topic)).partitions.length, 4);
			assert.equal((await readAll(broker, topic)).length, 3);
		},
	},
	{
		id: "topics.ends-are-exact",
		promise: "contract point 4: a description made after an acknowledged send counts it",
		async run(ctx) {
			const [broker, other] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(broker, { partitions: 1 });
			let last = (await other.topics.describe(topic)).partitions[0]?.end ?? 0n;
			for (let n = 0; n < 10; n++) {
				const { offset } = await broker.producer(topic).send({ n });
				const end = (await other.topics.describe(topic)).partitions[0]?.end ?? 0n;
				assert.ok(end > last, "the end did not move");
				if (offset !== undefined) assert.ok(end > offset);
				last = end;
			}
		},
	},
	{
		id: "topics.grow",
		promise: "partitions can be added: old ones keep their records, producers and live groups find the new ones",
		needs: ["growTopics"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 2 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const a = await recorder.follow(group);
			await recorder.send(broker.producer(topic), 20);
			await recorder.untilHandled(20);
			await broker.topics.grow(topic, 5);
			assert.equal((await broker.topics.describe(topic)).partitions.length, 5);
			const fresh = await ctx.connect();
			for (let partition = 2; partition < 5; partition++)
				await recorder.send(fresh.producer(topic), 4, { from: 100 + partition * 10, partition });
			await until(() => a.member.assignment.length === 5, "the new partitions are assigned", 30_000);
			await recorder.untilHandled(32);
			await until(
				async () =>
					(await broker
						.producer(topic)
						.send({ n: 999 }, { partition: 4 })
						.then(
							() => true,
							() => false,
						)) === true,
				"an old connection sends to a new partition",
				30_000,
			);
			assert.equal((await readAll(broker, topic)).filter((message) => message.value.n < 20).length, 20);
			recorder.verify();
			await assert.rejects(broker.topics.grow(topic, 3), "the number of partitions was lowered");
			assert.equal((await broker.topics.describe(topic)).partitions.length, 5);
		},
	},
	{
		id: "abort.before",
		promise: "what is given a signal that was aborted already rejects at once, and leaves nothing behind",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const signal = AbortSignal.abort();
			await assert.rejects(within(2000, "an aborted join", () => group.join({ signal })));
			await within(2000, "an aborted run", () => group.run(() => {}, { signal })).catch(() => {});
			await delay(100);
			const members = await group.describe().then(
				(seen) => seen.members.length,
				() => 0,
			);
			assert.equal(members, 0, "an aborted join left a member behind");
			await rejectsWith(broker.producer(topic).send({ n: 1 }, { signal }), "ABORTED");
			await rejectsWith(broker.producer(topic).sendBatch([{ value: { n: 1 } }], { signal }), "ABORTED").catch(async () => {
				const [receipt] = await broker.producer(topic).sendBatch([{ value: { n: 1 } }], { signal });
				assert.equal(receipt?.status, "failed");
			});
			assert.deepEqual(await readAll(broker, topic), []);
		},
	},
	{
		id: "abort.under-way",
		promise: "an abort ends a wait that is under way: join, run, read and a send that cannot go out",
		async run(ctx) {
			const broker = await ctx.connect();
			const never = new Promise<never>(() => {});
			const stuck = await ctx.connect({ append: (next, call) => (call.partition.topic.startsWith("conf-") ? never : next()) });
			const topic = await ctx.topic(broker);
			const stop = new AbortController();
			const sending = stuck.producer(topic).send({ n: 1 }, { signal: stop.signal });
			const running = ctx.group(broker, topic).run(() => {}, { signal: stop.signal });
			const reading = (async () => {
				for await (const _ of broker.read(topic, { signal: stop.signal }));
			})();
			await delay(150);
			const ended = Promise.all([
				rejectsWith(
					within(2000, "an aborted send", () => sending),
					"ABORTED",
				),
				within(4000, "an aborted run", () => running),
				within(2000, "an aborted read", () => reading.catch((error: unknown) => assert.ok(isAbort(error), String(error)))),
			]);
			stop.abort();
			await ended;
		},
	},
];

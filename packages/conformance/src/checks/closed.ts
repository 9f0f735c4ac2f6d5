// Contract point 15: closing what is more than a member, and what is used after it was closed.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { rejectsWith } from "../expect.ts";
import { committedAt } from "../settle.ts";
import { delay, until, within } from "../time.ts";
import { prepared } from "./closing-scene.ts";

export const closedChecks: readonly Check[] = [
	{
		id: "closing.twice",
		promise: "contract point 15: closing twice, or twice at once, is closing",
		async run(ctx) {
			const { broker, topic, recorder, group } = await prepared(ctx);
			const a = await recorder.follow(group);
			await recorder.untilHandled(20);
			await within(3000, "closing twice at once", () => Promise.all([a.member.close(), a.member.close()]));
			await a.member.close();
			const producer = broker.producer(topic);
			await Promise.all([producer.close(), producer.close()]);
			await producer.close();
			const producers = broker.producerGroup("feeders");
			await Promise.all([producers.close(), producers.close()]);
			await within(3000, "closing the broker twice", () => Promise.all([broker.close(), broker.close()]));
			await broker.close();
		},
	},
	{
		id: "closing.afterwards",
		promise: "what is used after it was closed says CLOSED",
		async run(ctx) {
			const { broker, topic, recorder, group } = await prepared(ctx);
			const a = await recorder.follow(group);
			await recorder.untilHandled(20);
			await a.close();
			await rejectsWith(a.member.seek("earliest"), "CLOSED");
			await rejectsWith(
				a.member.run(() => {}),
				"CLOSED",
			);
			const producer = broker.producer(topic);
			await broker.close();
			await rejectsWith(producer.send({ n: 1 }), "CLOSED");
			await rejectsWith(
				Promise.resolve().then(() => broker.topics.list()),
				"CLOSED",
			);
			await rejectsWith(
				Promise.resolve().then(() => group.join()),
				"CLOSED",
			);
			await rejectsWith(
				Promise.resolve().then(() => broker.producer(topic).send({ n: 1 })),
				"CLOSED",
			);
		},
	},
	{
		id: "closing.broker",
		promise: "contract points 8 and 15: closing the broker closes its members and producers in good order",
		async run(ctx) {
			const { broker, topic, recorder, group, noLetters: _ } = await prepared(ctx);
			const other = await ctx.connect();
			const a = await recorder.follow(ctx.groupNamed(group.name, other, topic), { handle: () => delay(15), commitIntervalMs: 60_000 });
			const sending = Promise.allSettled(Array.from({ length: 50 }, (_unused, n) => other.producer(topic).send({ n: 100 + n })));
			await until(() => a.seen.length >= 5, "some are handled");
			await within(8000, "closing the broker", () => other.close());
			await within(1000, "the end of run", () => a.done);
			assert.equal(a.failure(), undefined);
			await within(1000, "settling the sends", () => sending);
			const handled = recorder.finished;
			const b = await recorder.follow(group);
			await until(async () => (await group.lag()).total === 0n, "the rest is handled");
			assert.ok(handled >= 5 && b.seen.length > 0);
			assert.equal(recorder.verify({ drained: false }).duplicates, 0);
			assert.equal((await broker.topics.list()).includes(topic.name), true, "another connection was harmed");
		},
	},
	{
		id: "closing.run-by-signal",
		promise: "contract point 15: aborting the signal of run ends it: the message in hand is finished and committed",
		async run(ctx) {
			const { recorder, group, partition } = await prepared(ctx);
			const stop = new AbortController();
			const seen: bigint[] = [];
			const running = recorder.run(
				group,
				async (message) => {
					seen.push(message.offset);
					if (message.value.n === 4) stop.abort();
					await delay(20);
				},
				{ signal: stop.signal },
			);
			await within(5000, "the end of run", () => running);
			assert.equal(seen.length, 5);
			assert.equal(await committedAt(group, partition), (seen[4] ?? 0n) + 1n);
			assert.deepEqual((await group.describe()).members, []);
			const b = await recorder.follow(group);
			await until(() => b.seen.length === 15, "the rest is left to others");
			await recorder.untilHandled(20);
			assert.equal(recorder.verify().duplicates, 0);
		},
	},
	{
		id: "closing.await-using",
		promise: "members, producers and brokers close at the end of their block",
		async run(ctx) {
			const { topic, recorder, group } = await prepared(ctx);
			const ended: { member?: { seek(to: "earliest"): Promise<void> }; producer?: { send(value: { n: number }): Promise<unknown> } } = {};
			{
				await using member = (await recorder.join(group)).member;
				ended.member = member;
				await using broker = await ctx.connect();
				await using producer = broker.producer(topic);
				ended.producer = producer;
				await producer.send({ n: 1 });
			}
			await rejectsWith(ended.producer.send({ n: 2 }), "CLOSED");
			await rejectsWith(ended.member.seek("earliest"), "CLOSED");
			assert.deepEqual((await group.describe()).members, []);
		},
	},
];

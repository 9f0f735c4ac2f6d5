// Contract point 15: closing, in whatever the member is doing.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { rejectsWith } from "../expect.ts";
import { readAll } from "../reading.ts";
import { after, committedAt, standsBetween, untilBalanced } from "../settle.ts";
import { delay, gate, timed, until, within } from "../time.ts";

/** A topic of one partition with 20 messages, a group, and a topic for dead letters that has to stay empty. */
async function prepared(ctx: CheckContext) {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { partitions: 1 });
	const dlq = await ctx.topic(broker, { partitions: 1 });
	const recorder = ctx.recorder();
	await recorder.send(broker.producer(topic), 20, { partition: 0 });
	const noLetters = async () => assert.deepEqual((await readAll(broker, dlq)).length, 0, "a shutdown made a dead letter");
	return {
		broker,
		topic,
		recorder,
		group: ctx.group(broker, topic),
		partition: { topic: topic.name, index: 0 },
		onFailure: { kind: "deadLetter", topic: dlq.name } as const,
		noLetters,
	};
}

export const closingChecks: readonly Check[] = [
	{
		id: "closing.idle",
		promise: "contract point 15: an idle member closes at once, commits what it has handled, and leaves",
		async run(ctx) {
			const { recorder, group, partition, onFailure, noLetters } = await prepared(ctx);
			const a = await recorder.follow(group, { onFailure, commitIntervalMs: 60_000 });
			await recorder.untilHandled(20);
			assert.ok((await timed(within(5000, "closing", a.close()))) < 2000);
			await within(1000, "the end of run", a.done);
			assert.equal(a.failure(), undefined);
			const last = a.seen.at(-1);
			assert.ok(last && (await committedAt(group, partition)) === after(last), "what was handled is not committed");
			assert.deepEqual((await group.describe()).members, []);
			await noLetters();
		},
	},
	{
		id: "closing.handling",
		promise: "contract points 8 and 15: closing waits for the handler at work, commits its message, and starts no other",
		async run(ctx) {
			const { recorder, group, partition, onFailure, noLetters } = await prepared(ctx);
			const held = gate();
			const a = await recorder.follow(group, { onFailure, handle: (message) => (message.value.n === 7 ? held.passed : undefined) });
			await until(() => a.seen.length === 8, "message 7 is in hand");
			let closed = false;
			const closing = a.close().then(() => {
				closed = true;
			});
			await delay(200);
			assert.equal(closed, false, "closing did not wait for the handler");
			held.open();
			await within(3000, "closing", closing);
			assert.equal(a.seen.length, 8, "a handler started while the member was closing");
			assert.equal(await committedAt(group, partition), (a.seen[7]?.offset ?? 0n) + 1n);
			await recorder.follow(group);
			await recorder.untilHandled(20);
			assert.equal(recorder.verify().duplicates, 0);
			await noLetters();
		},
	},
	{
		id: "closing.backing-off",
		promise: "contract points 7 and 15: closing does not wait for a retry; its message stays uncommitted and is no dead letter",
		async run(ctx) {
			const { recorder, group, partition, onFailure, noLetters } = await prepared(ctx);
			const a = await recorder.follow(group, {
				onFailure,
				retry: { retries: 3, initialDelayMs: 20_000, maxDelayMs: 20_000 },
				handle(message) {
					if (message.value.n === 3) throw new Error("broken (by the kit)");
				},
			});
			await until(() => a.seen.length === 4, "message 3 has failed");
			await delay(50);
			const took = await timed(within(6000, "closing", a.close()));
			assert.ok(took < 3000, `closing waited ${took} ms for a retry`);
			const [before, failed] = [a.seen[2]?.offset ?? 0n, a.seen[3]?.offset ?? 0n];
			assert.ok(standsBetween(await committedAt(group, partition), before, failed), "the message that failed was committed");
			await noLetters();
		},
	},
	{
		id: "closing.committing",
		promise: "contract points 4 and 15: closing waits for the commit under way",
		async run(ctx) {
			const { recorder, group, partition, onFailure, noLetters } = await prepared(ctx);
			const a = await recorder.follow(group, { onFailure, commit: "manual" });
			await recorder.untilHandled(20);
			const last = a.seen.at(-1);
			assert.ok(last);
			const committing = a.member.commit(last);
			await within(3000, "closing", a.close());
			await within(1000, "the commit", committing);
			assert.equal(await committedAt(group, partition), after(last));
			await noLetters();
		},
	},
	{
		id: "closing.rebalancing",
		promise: "contract points 8, 9 and 15: closing while members come and go ends in time; nothing is lost or doubled",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 6 });
			const dlq = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const options = { onFailure: { kind: "deadLetter", topic: dlq.name } as const, handle: () => delay(3) };
			const a = await recorder.follow(group, options);
			await until(() => a.member.assignment.length === 6, "the first owns all");
			await recorder.send(broker.producer(topic), 300);
			const joining = recorder.follow(group, options);
			await delay(ctx.random.integer(60));
			await within(5000, "closing in a rebalance", a.close());
			const b = await joining;
			const c = await recorder.follow(group, options);
			await until(() => b.member.assignment.length < 6 && c.member.assignment.length > 0, "the third gets its share").catch(() => {});
			await within(5000, "closing the second", b.close());
			await recorder.untilHandled(300);
			await untilBalanced([c.member], 6);
			assert.equal(recorder.verify().duplicates, 0);
			assert.equal((await readAll(broker, dlq)).length, 0, "a shutdown made a dead letter");
		},
	},
	{
		id: "closing.joining",
		promise: "contract point 15: a member that closes right after it has joined leaves nothing behind",
		async run(ctx) {
			const { group, recorder } = await prepared(ctx);
			const member = await group.join();
			await within(5000, "closing right away", member.close());
			assert.deepEqual((await group.describe()).members, []);
			await recorder.follow(group);
			await recorder.untilHandled(20, 5000);
		},
	},
	{
		id: "closing.nobody-reads",
		promise: "contract point 15: a member that nobody takes messages from closes at once, and leaves them all to the next",
		async run(ctx) {
			const { group, recorder } = await prepared(ctx);
			const member = await group.join();
			await until(() => member.assignment.length === 1, "the partition is assigned");
			await delay(50);
			assert.ok((await timed(within(5000, "closing", member.close()))) < 2000);
			assert.deepEqual((await group.describe()).members, []);
			const b = await recorder.follow(group);
			await recorder.untilHandled(20, 5000);
			assert.equal(b.seen[0]?.value.n, 0);
		},
	},
	{
		id: "closing.paused",
		promise: "contract points 13 and 15: a paused member closes at once, commits what it has handled, and leaves the rest",
		async run(ctx) {
			const { recorder, group, onFailure, noLetters } = await prepared(ctx);
			const held = gate();
			const a = await recorder.follow(group, { onFailure, handle: (message) => (message.value.n === 4 ? held.passed : undefined) });
			await until(() => a.seen.length === 5, "message 4 is in hand");
			a.member.pause();
			held.open();
			await until(() => recorder.finished === 5, "the message in hand is finished");
			assert.ok((await timed(within(5000, "closing", a.close()))) < 2000);
			const b = await recorder.follow(group);
			await recorder.untilHandled(20);
			assert.equal(b.seen[0]?.value.n, 5);
			assert.equal(recorder.verify().duplicates, 0);
			await noLetters();
		},
	},
	{
		id: "closing.past-the-deadline",
		promise: "contract points 7 and 15: past its deadline close gives up on handlers, tells them, and leaves their messages to others",
		async run(ctx) {
			const { recorder, group, partition, onFailure, noLetters } = await prepared(ctx);
			let aborted = false;
			const a = await recorder.follow(group, {
				onFailure,
				handle(message, context) {
					if (message.value.n !== 5) return undefined;
					context.signal.addEventListener("abort", () => {
						aborted = true;
					});
					return new Promise<void>(() => {});
				},
			});
			await until(() => a.seen.length === 6, "message 5 is in hand");
			const took = await timed(within(6000, "closing", a.member.close({ deadlineMs: 400 })));
			recorder.killed(a);
			assert.ok(took >= 350 && took < 1900, `closing with a deadline of 400 ms took ${took} ms`);
			assert.ok(aborted, "the handler was not told");
			const stands = await committedAt(group, partition);
			assert.ok(stands === undefined || stands <= (a.seen[5]?.offset ?? 0n), `${stands} was committed`);
			const b = await recorder.follow(group);
			await recorder.untilHandled(20, ctx.takeoverMs + 3000);
			assert.equal(b.seen[0]?.value.n, 5, "what was handled before is committed all the same");
			await noLetters();
		},
	},
	{
		id: "closing.twice",
		promise: "contract point 15: closing twice, or twice at once, is closing",
		async run(ctx) {
			const { broker, topic, recorder, group } = await prepared(ctx);
			const a = await recorder.follow(group);
			await recorder.untilHandled(20);
			await within(3000, "closing twice at once", Promise.all([a.member.close(), a.member.close()]));
			await a.member.close();
			const producer = broker.producer(topic);
			await Promise.all([producer.close(), producer.close()]);
			await producer.close();
			const producers = broker.producerGroup("feeders");
			await Promise.all([producers.close(), producers.close()]);
			await within(3000, "closing the broker twice", Promise.all([broker.close(), broker.close()]));
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
			await within(8000, "closing the broker", other.close());
			await within(1000, "the end of run", a.done);
			assert.equal(a.failure(), undefined);
			await within(1000, "settling the sends", sending);
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
			const running = group.run(
				async (message) => {
					seen.push(message.offset);
					if (message.value.n === 4) stop.abort();
					await delay(20);
				},
				{ signal: stop.signal },
			);
			await within(5000, "the end of run", running);
			assert.equal(seen.length, 5);
			assert.equal(await committedAt(group, partition), (seen[4] ?? 0n) + 1n);
			assert.deepEqual((await group.describe()).members, []);
			const b = await recorder.follow(group);
			await until(() => b.seen.length === 15, "the rest is left to others");
		},
	},
	{
		id: "closing.await-using",
		promise: "members, producers and brokers close at the end of their block",
		async run(ctx) {
			const { topic, group } = await prepared(ctx);
			const ended: { member?: { seek(to: "earliest"): Promise<void> }; producer?: { send(value: { n: number }): Promise<unknown> } } = {};
			{
				await using member = await group.join();
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

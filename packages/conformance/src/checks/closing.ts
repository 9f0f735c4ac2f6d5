// Contract point 15: closing, in whatever the member is doing.
import assert from "node:assert/strict";
import { isPolylogError } from "@polylog/core";
import type { Check } from "../check.ts";
import { readAll } from "../reading.ts";
import { after, committedAt, standsBetween, untilBalanced } from "../settle.ts";
import { clock, delay, gate, timed, until, within } from "../time.ts";
import { closesAtOnce, prepared } from "./closing-scene.ts";

export const closingChecks: readonly Check[] = [
	{
		id: "closing.idle",
		promise: "contract point 15: an idle member closes at once, commits what it has handled, and leaves",
		async run(ctx) {
			const { recorder, group, partition, onFailure, noLetters } = await prepared(ctx);
			const a = await recorder.follow(group, { onFailure, commitIntervalMs: 60_000 });
			await recorder.untilHandled(20);
			await closesAtOnce(a);
			await within(1000, "the end of run", () => a.done);
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
			await within(3000, "closing", () => closing);
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
			const took = await timed(() => within(6000, "closing", () => a.close()));
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
			await within(3000, "closing", () => a.close());
			await within(1000, "the commit", () => committing);
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
			await delay(ctx.random.below(60));
			await within(5000, "closing in a rebalance", () => a.close());
			const b = await joining;
			const c = await recorder.follow(group, options);
			await until(() => b.member.assignment.length < 6 && c.member.assignment.length > 0, "the third gets its share").catch(() => {});
			await within(5000, "closing the second", () => b.close());
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
			const { member } = await recorder.join(group);
			await within(5000, "closing right away", () => member.close());
			// A broker may forget a group that has neither members nor commits.
			const found = await group.describe().catch((error: unknown) => {
				if (!isPolylogError(error, "GROUP_NOT_FOUND")) throw error;
			});
			assert.deepEqual(found?.members ?? [], []);
			await recorder.follow(group);
			await recorder.untilHandled(20, 5000);
		},
	},
	{
		id: "closing.nobody-reads",
		promise: "contract point 15: a member that nobody takes messages from closes at once, and leaves them all to the next",
		async run(ctx) {
			const { group, recorder } = await prepared(ctx);
			const { member } = await recorder.join(group);
			await until(() => member.assignment.length === 1, "the partition is assigned");
			await delay(50);
			await closesAtOnce(member);
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
			await closesAtOnce(a);
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
			const start = clock.now();
			const took = await timed(() => within(6000, "closing", () => a.member.close({ deadlineMs: 400 })));
			recorder.killed(a);
			assert.ok(clock.now() - start >= 350 && took < 3000, `closing with a deadline of 400 ms took ${took} ms`);
			assert.ok(aborted, "the handler was not told");
			const stands = await committedAt(group, partition);
			assert.ok(stands === undefined || stands <= (a.seen[5]?.offset ?? 0n), `${stands} was committed`);
			const b = await recorder.follow(group);
			await recorder.untilHandled(20, ctx.takeoverMs + 3000);
			assert.equal(b.seen[0]?.value.n, 5, "what was handled before is committed all the same");
			await noLetters();
		},
	},
];

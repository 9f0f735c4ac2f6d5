// What an application commits by its own call.
import assert from "node:assert/strict";
import type { Offset, Partition } from "@polylog/core";
import type { Check } from "../check.ts";
import { after, committedAt } from "../settle.ts";
import { delay, gate, until, within } from "../time.ts";

export const commitCallChecks: readonly Check[] = [
	{
		id: "commits.manual",
		promise: "contract point 7: with manual commits nothing is committed but by commit(), not even by closing",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 20);
			const a = await recorder.follow(group, { commit: "manual", commitIntervalMs: 20 });
			await recorder.untilHandled(20);
			await delay(150);
			const partition = { topic: topic.name, index: 0 };
			const first = a.seen[0]?.offset ?? 0n;
			const initial = await committedAt(group, partition);
			assert.ok(initial === undefined || initial <= first, `${initial} was committed by itself`);
			await a.close();
			assert.equal(await committedAt(group, partition), initial, "closing committed");
			const b = await ctx.recorder().follow(group, { commit: "manual" });
			await until(() => b.seen.length === 20, "everything comes again");
			await b.member.commit();
			await b.close();
			assert.equal(await committedAt(group, partition), (b.seen[19]?.offset ?? 0n) + 1n);
		},
	},
	{
		id: "commits.no-further-than-the-message",
		promise:
			"contract points 4 and 7: commit(message) commits through that message and not what was handled after it: the application may not be done with that",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 20);
			const a = await recorder.follow(group, { commit: "manual" });
			await recorder.untilHandled(20);
			const tenth = a.seen[9];
			assert.ok(tenth);
			await a.member.commit(tenth);
			assert.equal(await committedAt(group, tenth.partition), after(tenth));
			await a.close();
			assert.equal(await committedAt(group, tenth.partition), after(tenth));
		},
	},
	{
		id: "commits.wait-for-what-comes-before",
		promise: "contract point 7: commit(message) waits until all messages before it are processed",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			for (let n = 0; n < 4; n++) await broker.producer(topic).send({ n }, { key: `k${n}` });
			const held = gate();
			const a = await recorder.follow(group, {
				order: "key",
				commit: "manual",
				handle: (message) => (message.key === "k1" ? held.passed : undefined),
			});
			await until(() => recorder.finished === 3, "three of four are handled");
			const last = a.seen.find((message) => message.key === "k3");
			assert.ok(last);
			let resolved = false;
			const committing = a.member.commit(last).then(() => {
				resolved = true;
			});
			await delay(200);
			assert.equal(resolved, false, "the commit did not wait for the message before");
			held.open();
			await within(5000, "the commit", () => committing);
			assert.equal(await committedAt(group, last.partition), after(last));
		},
	},
	{
		id: "commits.map",
		promise: "contract points 6 and 7: a commit by offsets takes exactly these, none beyond what was delivered, and none backwards",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 20);
			const a = await recorder.follow(group, { commit: "manual" });
			await recorder.untilHandled(20);
			const partition: Partition = { topic: topic.name, index: 0 };
			const at = (i: number): Offset => a.seen[i]?.offset ?? 0n;
			await a.member.commit(new Map([[partition, at(10)]]));
			assert.equal(await committedAt(group, partition), at(10));
			await a.member.commit(new Map([[partition, at(5)]])).catch(() => {});
			assert.equal(await committedAt(group, partition), at(10), "a commit went backwards");
			await assert.rejects(a.member.commit(new Map([[partition, at(19) + 1000n]])), "a commit beyond what was delivered was accepted");
			assert.equal(await committedAt(group, partition), at(10));
			await assert.rejects(
				a.member.commit(new Map([[{ topic: topic.name, index: 7 }, 1n]])),
				"a commit for a partition of nobody was accepted",
			);
		},
	},
];

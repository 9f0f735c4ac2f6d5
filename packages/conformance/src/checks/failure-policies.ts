// Contract point 16: what becomes of a message whose retries are used up.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { rawBytes } from "../codecs.ts";
import { hasCode } from "../expect.ts";
import { readAll } from "../reading.ts";
import { committedAt, standsBetween } from "../settle.ts";
import { delay, until } from "../time.ts";
import { quick } from "./failure.ts";

export const failurePolicyChecks: readonly Check[] = [
	{
		id: "failure.stop",
		promise:
			"contract point 16: by default the partition stops before the message, which stays uncommitted; others go on; resume tries again",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 10, { partition: 0 });
			let healed = false;
			const cause = new Error("broken (by the kit)");
			const a = await recorder.follow(group, {
				retry: { retries: 2, ...quick },
				commitIntervalMs: 20,
				handle(message) {
					if (message.value.n === 5 && !healed) throw cause;
				},
			});
			await until(() => a.stuck.length > 0, "the partition is reported stuck");
			const error = hasCode(a.stuck[0]?.error, "HANDLER_FAILED");
			const failed = a.seen.find((message) => message.value.n === 5);
			assert.ok(failed);
			assert.equal(error.cause, cause);
			assert.deepEqual(
				[error.context.topic, error.context.partition, error.context.offset, error.context.attempt],
				[topic.name, 0, failed.offset, 3],
			);
			assert.equal(a.seen.filter((message) => message.value.n === 5).length, 3, "one try and two retries");
			const partition = failed.partition;
			assert.equal(a.member.state(partition), "stopped");
			await recorder.send(broker.producer(topic), 20, { from: 100, partition: 1 });
			await recorder.untilHandled(25);
			const before = a.seen.find((message) => message.value.n === 4)?.offset ?? 0n;
			const stands = async () => standsBetween(await committedAt(group, partition), before, failed.offset);
			await until(stands, "what came before is committed");
			await delay(100);
			assert.ok(await stands(), "the failed message was committed");
			healed = true;
			a.member.resume([partition]);
			await recorder.untilHandled(30);
			assert.deepEqual(
				a.seen
					.filter((message) => message.partition.index === 0)
					.slice(-5)
					.map((message) => message.value.n),
				[5, 6, 7, 8, 9],
			);
			assert.equal(a.failure(), undefined);
		},
	},
	{
		id: "failure.stopped-stays-uncommitted",
		promise: "contract points 7, 8 and 16: a member that closes with a stopped partition leaves the failed message to the next",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 6, { partition: 0 });
			const a = await recorder.follow(group, {
				retry: { retries: 0 },
				handle(message) {
					if (message.value.n === 3) throw new Error("broken (by the kit)");
				},
			});
			await until(() => a.stuck.length > 0, "the partition is stuck");
			await a.close();
			const b = await ctx.recorder().follow(group);
			await until(() => b.seen.length === 3, "the next member is handed the rest");
			assert.deepEqual(
				b.seen.map((message) => message.value.n),
				[3, 4, 5],
			);
		},
	},
	{
		id: "failure.skip",
		promise: "contract point 16: skip goes on to the next message, and says so",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 10, { partition: 0 });
			const a = await recorder.follow(group, {
				retry: { retries: 1, ...quick },
				onFailure: { kind: "skip" },
				handle(message) {
					if (message.value.n === 4) throw new Error("broken (by the kit)");
				},
			});
			await recorder.untilHandled(9);
			await until(async () => (await group.lag()).total === 0n, "the skipped message is disposed of");
			assert.equal(a.seen.filter((message) => message.value.n === 4).length, 2);
			assert.equal(hasCode(a.errors[0], "HANDLER_FAILED").context.offset, a.seen[4]?.offset);
			assert.equal(a.stuck.length, 0);
		},
	},
	{
		id: "failure.dead-letter",
		promise: "contract points 7 and 16: a dead letter is the record as it was stored with the reason, durable before the commit passes it",
		async run(ctx) {
			const broker = await ctx.connect();
			const dlq = await ctx.topicOf<Uint8Array | null>(broker, { partitions: 1, codec: rawBytes });
			let letters = 0;
			let passed: bigint | undefined;
			const partition = { topic: "", index: 0 };
			const member = await ctx.connect({
				async append(next, call) {
					if (call.partition.topic !== dlq.name) return next();
					letters++;
					if (letters === 1) {
						await delay(300);
						passed = await committedAt(group, partition);
					}
					return next();
				},
			});
			const topic = await ctx.topic(broker, { partitions: 1 });
			partition.topic = topic.name;
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			const producer = broker.producer(topic);
			for (let n = 0; n < 6; n++) await producer.send({ n }, { key: `key${n}`, headers: { mine: `h${n}` } });
			const a = await recorder.follow(ctx.groupNamed(group.name, member, topic), {
				retry: { retries: 0 },
				onFailure: { kind: "deadLetter", topic: dlq.name },
				commitIntervalMs: 20,
				handle(message) {
					if (message.value.n === 2) throw new Error("broken (by the kit)");
				},
			});
			await recorder.untilHandled(5);
			const failed = a.seen[2];
			assert.ok(failed);
			assert.ok(passed === undefined || passed <= failed.offset, `${passed} was committed before the dead letter was durable`);
			const [letter, ...more] = await readAll(broker, dlq);
			assert.equal(more.length, 0);
			assert.deepEqual(Uint8Array.from(letter?.value ?? []), Uint8Array.from(failed.raw.value ?? []));
			assert.equal(letter?.key, "key2");
			assert.equal(letter?.headers.get("mine"), "h2");
			const about = [...(letter?.headers ?? [])].map(([name, value]) => `${name}=${String(value)}`).join(" ");
			assert.ok(
				about.includes(topic.name) && about.includes(`${failed.offset}`) && about.includes("HANDLER_FAILED"),
				`the headers do not tell where and why: ${about}`,
			);
			await until(async () => (await group.lag()).total === 0n, "the group is drained");
		},
	},
	{
		id: "failure.dead-letter-fails",
		promise: "contract point 7: a dead letter that cannot be stored is not lost: nothing is committed past its message",
		async run(ctx) {
			const broker = await ctx.connect();
			const dlq = await ctx.topic(broker, { partitions: 1 });
			let refused = 0;
			const member = await ctx.connect({
				async append(next, call) {
					if (call.partition.topic !== dlq.name) return next();
					refused++;
					return call.records.map(() => ({ status: "failed", error: new Error("the broker refuses (by the kit)") }));
				},
			});
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 6, { partition: 0 });
			const group = ctx.group(broker, topic);
			const a = await recorder.follow(ctx.groupNamed(group.name, member, topic), {
				retry: { retries: 0 },
				onFailure: { kind: "deadLetter", topic: dlq.name },
				commitIntervalMs: 20,
				handle(message) {
					if (message.value.n === 2) throw new Error("broken (by the kit)");
				},
			});
			await until(() => refused > 0, "the dead letter was tried");
			await delay(300);
			const failed = a.seen[2];
			assert.ok(failed);
			const stands = await committedAt(group, failed.partition);
			assert.ok(stands === undefined || stands <= failed.offset, `${stands} was committed, past a dead letter that was refused`);
			await until(() => a.stuck.length + a.errors.length > 0, "somebody is told");
		},
	},
];

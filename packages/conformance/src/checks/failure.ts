// Contract point 16: a handler that fails, and what is done about it.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { rawBytes } from "../codecs.ts";
import { hasCode } from "../expect.ts";
import { readAll } from "../reading.ts";
import { committedAt, standsBetween } from "../settle.ts";
import { clock, delay, until } from "../time.ts";

const quick = { initialDelayMs: 20, maxDelayMs: 50 };

export const failureChecks: readonly Check[] = [
	{
		id: "failure.retry-in-place",
		promise: "contract point 16: a failing message is tried again in place, its attempts counted; its partition keeps its order",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 10, { partition: 0 });
			const a = await recorder.follow(ctx.group(broker, topic), {
				retry: { retries: 5, ...quick },
				handle(message) {
					if (message.value.n === 4 && message.attempt < 3) throw new Error("not yet (by the kit)");
				},
			});
			await recorder.untilHandled(10);
			assert.deepEqual(
				a.seen.map((message) => `${message.value.n}.${message.attempt}`),
				["0.1", "1.1", "2.1", "3.1", "4.1", "4.2", "4.3", "5.1", "6.1", "7.1", "8.1", "9.1"],
			);
			assert.equal(a.stuck.length, 0);
			recorder.verify();
		},
	},
	{
		id: "failure.back-off",
		promise: "contract point 16: retries wait as long as was asked, and longer each time up to the maximum",
		runs: "alone",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 1, { partition: 0 });
			const times: number[] = [];
			const a = await recorder.follow(ctx.group(broker, topic), {
				retry: { retries: 3, initialDelayMs: 100, maxDelayMs: 200 },
				handle() {
					times.push(clock.now());
					throw new Error("never (by the kit)");
				},
			});
			await until(() => a.stuck.length > 0, "the retries are used up");
			const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0));
			assert.equal(waits.length, 3);
			for (const [i, least] of [80, 160, 160].entries())
				assert.ok((waits[i] ?? 0) >= least - 2 && (waits[i] ?? 0) < least + 500, `waits ${waits.map(Math.round).join(", ")}`);
		},
	},
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
			assert.ok(a.stuck.length + a.errors.length > 0, "nobody was told");
		},
	},
	{
		id: "failure.any-throw",
		promise: "contract point 16: whatever a handler throws, or rejects with, at once or later, is a failure and nothing more",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 1 });
			const recorder = ctx.recorder();
			await recorder.send(broker.producer(topic), 6, { partition: 0 });
			const odd: unknown[] = [undefined, null, "text", 42, Object.freeze({})];
			const a = await recorder.follow(ctx.group(broker, topic), {
				retry: { retries: 0 },
				onFailure: { kind: "skip" },
				handle(message) {
					if (message.value.n === 5) return undefined;
					const thrown = odd[message.value.n];
					if (message.value.n % 2) return Promise.reject(thrown);
					throw thrown;
				},
			});
			await recorder.untilHandled(1);
			assert.equal(a.seen.length, 6);
			await until(() => a.errors.length === 5, "each failure is told");
			for (const [i, error] of a.errors.entries()) assert.equal(hasCode(error, "HANDLER_FAILED").cause, odd[i]);
			assert.equal(a.failure(), undefined);
		},
	},
	{
		id: "failure.handler-never-returns",
		promise:
			"contract points 7, 9 and 13: a handler that never returns costs its partition and nothing else; nothing is committed past its message",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker, { partitions: 4 });
			const group = ctx.group(broker, topic);
			const recorder = ctx.recorder();
			let hung = "";
			let aborted = false;
			const forever = new Promise<void>(() => {});
			const options = (name: string) => ({
				maxHandlerMs: 400,
				commitIntervalMs: 50,
				handle(message: { value: { n: number } }, context: { signal: AbortSignal }) {
					if (message.value.n !== 1000 || hung) return undefined;
					hung = name;
					context.signal.addEventListener("abort", () => {
						aborted = true;
					});
					return forever;
				},
			});
			const [a, b] = [await recorder.follow(group, options("m1")), await recorder.follow(group, options("m2"))];
			const participants = new Map([
				["m1", a],
				["m2", b],
			]);
			await until(() => a.member.assignment.length === 2 && b.member.assignment.length === 2, "the partitions are shared");
			const ids = [a.member.id, b.member.id];
			await recorder.send(broker.producer(topic), 1, { from: 1000, partition: 0 });
			await until(() => hung !== "", "the handler hangs");
			const [stuck, other] = hung === "m1" ? [a, b] : [b, a];
			await recorder.send(broker.producer(topic), 40, { from: 0, keys: 40 });
			await until(
				() => other.seen.some((message) => message.value.n === 1000),
				"the other member is handed the message",
				ctx.takeoverMs + 3000,
			);
			await recorder.untilHandled(41);
			assert.ok(aborted, "the hanging handler was not told by its signal");
			assert.deepEqual([a.member.id, b.member.id], ids, "a member was expelled");
			const mine = stuck.member.assignment.filter((partition) => partition.index !== 0);
			assert.ok(mine.length >= 1, "the member lost more than the partition");
			const others = stuck.seen.filter((message) => message.partition.index !== 0);
			assert.ok(others.length > 0, "the member stood still");
			assert.equal(participants.get(hung), stuck);
			recorder.verify({ order: "partition" });
		},
	},
];

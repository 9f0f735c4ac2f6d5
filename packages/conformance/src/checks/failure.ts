// Contract point 16: a handler that fails, and is tried again; and one that never returns.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { hasCode } from "../expect.ts";
import { stopwatch, until } from "../time.ts";

/** Retries that a check does not wait long for. */
export const quick = { initialDelayMs: 20, maxDelayMs: 50 };

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
			const waits: { real: number; fair: number }[] = [];
			let watch: ReturnType<typeof stopwatch> | undefined;
			const a = await recorder.follow(ctx.group(broker, topic), {
				retry: { retries: 3, initialDelayMs: 100, maxDelayMs: 200 },
				handle() {
					if (watch) waits.push({ real: watch.real(), fair: watch.fair() });
					watch = stopwatch();
					throw new Error("never (by the kit)");
				},
			});
			await until(() => a.stuck.length > 0, "the retries are used up");
			assert.equal(waits.length, 3);
			// Without what was asked the first would be a second or nothing.
			for (const [i, least] of [80, 160, 160].entries()) {
				const { real = 0, fair = 0 } = waits[i] ?? {};
				assert.ok(real >= least - 2 && fair < least + 500, `waits ${waits.map((wait) => Math.round(wait.real)).join(", ")}`);
			}
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

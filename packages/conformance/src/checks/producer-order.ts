// What a producer's sequence is for: the order of what it sends, once, and by one of its name.
import assert from "node:assert/strict";
import type { AppendOutcome } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import { hasCode } from "../expect.ts";
import { readAll } from "../reading.ts";
import type { Item } from "../recorder.ts";

export const producerOrderChecks: readonly Check[] = [
	{
		id: "publish.producer-order",
		promise: "contract point 3: one producer's messages to one partition are stored in the order of the calls",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic, { maxBatchRecords: 7 });
			const recorder = ctx.recorder();
			const sends: Promise<unknown>[] = [];
			for (let n = 0; n < 600; n++) {
				sends.push(recorder.send(producer, 1, { from: n, partition: n % 3 }));
				if (ctx.random.below(40) === 0) await sends.at(-1);
			}
			await Promise.all(sends);
			const messages = await recorder.readBack(broker, topic);
			recorder.verify();
			assert.equal(messages.length, 600);
		},
	},
	{
		id: "publish.once-after-a-lost-reply",
		promise: "contract points 2, 3 and 8: an append whose reply is lost is repeated, and stored once and in order",
		needs: ["idempotentAppend"],
		async run(ctx) {
			let lost = 0;
			const broker = await ctx.connect({
				async append(next) {
					const outcomes = await next();
					if (lost >= 6 || ctx.random.below(2) === 0) return outcomes;
					lost++;
					return outcomes.map((): AppendOutcome => ({ status: "unknown", error: new Error("the reply was lost (by the kit)") }));
				},
			});
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic, { maxBatchRecords: 10 });
			const recorder = ctx.recorder();
			await Promise.all(Array.from({ length: 120 }, (_, n) => recorder.send(producer, 1, { from: n, partition: n % 3 })));
			assert.ok(lost > 0, "the kit lost no reply");
			const messages = await recorder.readBack(broker, topic);
			recorder.verify();
			assert.equal(messages.length, 120);
		},
	},
	{
		id: "publish.order-after-a-failed-connection",
		promise: "contract point 3: appends that never arrived are repeated before what was sent after them",
		async run(ctx) {
			let failures = 0;
			const broker = await ctx.connect({
				async append(next) {
					if (failures >= 5 || ctx.random.below(2) === 0) return next();
					failures++;
					throw new Error("the connection broke before anything was sent (by the kit)");
				},
			});
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic, { maxBatchRecords: 10 });
			const recorder = ctx.recorder();
			const sends = Array.from({ length: 120 }, (_, n) => recorder.send(producer, 1, { from: n, partition: n % 3 }));
			const sent = (await Promise.allSettled(sends)).filter(({ status }) => status === "fulfilled");
			assert.ok(failures > 0 && sent.length > 0, `the kit broke ${failures} appends, and ${sent.length} messages were sent`);
			const messages = await recorder.readBack(broker, topic);
			recorder.verify();
			assert.ok(messages.length >= sent.length);
		},
	},
	{
		id: "publish.fenced-producer",
		promise: "contract point 5: an older process with the same producer id is refused, and stores nothing any more",
		needs: ["producerFencing"],
		async run(ctx) {
			const [older, newer] = [await ctx.connect(), await ctx.connect()];
			const topic = await ctx.topic(older);
			const options = { memberId: "one", fenced: true };
			const first = older.producerGroup("feeders", options).producer<Item>(topic);
			await first.send({ n: 1 }, { partition: 0 });
			const second = newer.producerGroup("feeders", options).producer<Item>(topic);
			await second.send({ n: 2 }, { partition: 0 });
			const [refused] = await first.sendBatch([{ value: { n: 3 }, partition: 0 }]);
			assert.ok(refused?.status === "failed", `the older producer's message is ${refused?.status}`);
			hasCode(refused.error, "FENCED");
			await second.send({ n: 4 }, { partition: 0 });
			assert.deepEqual(
				(await readAll(newer, topic)).map((message) => message.value.n),
				[1, 2, 4],
			);
		},
	},
];

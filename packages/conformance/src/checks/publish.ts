// Contract points 1 to 3: what becomes of what is sent.
import assert from "node:assert/strict";
import { partitionKey, type Receipt } from "@polylog/core";
import type { Check } from "../check.ts";
import { hasCode, rejectsWith } from "../expect.ts";
import { byPartition, readAll } from "../reading.ts";
import { delay, until, within } from "../time.ts";

export const publishChecks: readonly Check[] = [
	{
		id: "publish.ok-is-in-the-log",
		promise: "contract point 2: what was acknowledged is in the log, once, for a fresh connection, where the receipt says",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			const recorder = ctx.recorder();
			await recorder.send(producer, 300, { keys: 50 });
			const found = await recorder.readBack(await ctx.connect(), topic);
			recorder.verify();
			assert.equal(found.length, 300, "each is stored once");
			const told = new Map(recorder.events.flatMap((event) => (event.kind === "sent" ? [[event.id, event.partition]] : [])));
			for (const { key, partition, value } of found) {
				assert.equal(key, `k${value.n % 50}`);
				assert.equal(partitionKey(partition), told.get(`${value.n}`));
			}
		},
	},
	{
		id: "publish.failed-is-not-in-the-log",
		promise:
			"contract point 2: of a burst whose connection is cut, what was acknowledged is in the log, what failed is not, and the rest is unknown",
		async run(ctx) {
			const [reader, doomed] = [await ctx.connect(), await ctx.connectCuttable()];
			const topic = await ctx.topic(reader);
			const producer = doomed.broker.producer(topic, { deliveryTimeoutMs: 1500, maxBatchRecords: 20 });
			const fates = new Map<number, Receipt["status"]>();
			const bursts: Promise<void>[] = [];
			for (let burst = 0; burst < 8; burst++) {
				const messages = Array.from({ length: 60 }, (_, i) => ({ value: { n: burst * 60 + i }, partition: i % 3 }));
				const sending = producer.sendBatch(messages).then((receipts) => {
					for (const [i, { status }] of receipts.entries()) fates.set(burst * 60 + i, status);
				});
				bursts.push(sending);
				if (burst === 4) doomed.cut();
				else await delay(ctx.random.below(3));
			}
			await within(10_000, "settling a burst that was cut off", () => Promise.all(bursts));
			let stored = await readAll(reader, topic);
			// What was under way may arrive after the cut.
			await until(async () => {
				const before = stored.length;
				await delay(100);
				stored = await readAll(reader, topic);
				return stored.length === before;
			}, "nothing more arrives");
			const found = new Set(stored.map((message) => message.value.n));
			assert.equal(fates.size, 480, "not every message has a receipt");
			for (const [n, status] of fates) {
				if (status === "ok") assert.ok(found.has(n), `${n} was acknowledged and is not in the log`);
				if (status === "failed") assert.ok(!found.has(n), `${n} failed to be sent, and is in the log`);
			}
		},
	},
	{
		id: "publish.receipts-tell-partial-failure",
		promise: "contract point 2: a batch has one receipt for each message; what failed is not in the log, the rest is",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic, { maxRecordBytes: 4096 });
			const pads = ["", "x".repeat(8192), "", "x".repeat(8192), ""];
			const receipts = await producer.sendBatch(pads.map((pad, n) => ({ value: { n, pad }, partition: 0 })));
			assert.deepEqual(
				receipts.map((receipt) => receipt.status),
				["ok", "failed", "ok", "failed", "ok"],
			);
			for (const receipt of receipts) if (receipt.status !== "ok") hasCode(receipt.error, "MESSAGE_TOO_LARGE");
			assert.deepEqual(
				(await readAll(broker, topic)).map((message) => message.value.n),
				[0, 2, 4],
			);
			await rejectsWith(producer.send({ n: 9, pad: "x".repeat(8192) }), "MESSAGE_TOO_LARGE");
			await producer.send({ n: 10 });
			assert.equal((await readAll(broker, topic)).length, 4, "the producer goes on after a message that was too large");
		},
	},
	{
		id: "publish.aborted-before-it-was-sent",
		promise: "contract point 2: a send whose signal was aborted before is ABORTED and never in the log",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic, { lingerMs: 200 });
			await rejectsWith(producer.send({ n: 1 }, { signal: AbortSignal.abort() }), "ABORTED");
			const stop = new AbortController();
			const waiting = producer.send({ n: 2 }, { signal: stop.signal });
			stop.abort();
			await rejectsWith(
				within(2000, "an aborted send", () => waiting),
				"ABORTED",
			);
			await producer.send({ n: 3 });
			const stored = (await readAll(broker, topic)).map((message) => message.value.n);
			assert.ok(!stored.includes(1), "an aborted message was stored");
			assert.ok(!stored.includes(2), "a message withdrawn before its batch was stored");
			assert.ok(stored.includes(3));
		},
	},
	{
		id: "publish.close-settles-everything",
		promise: "contract points 2 and 15: closing in a burst settles every send, and what was acknowledged is in the log",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			const settled = Promise.allSettled(Array.from({ length: 500 }, (_, n) => producer.send({ n }, { key: `${n}` })));
			await within(5000, "closing in a burst", () => producer.close({ deadlineMs: 4000 }));
			const receipts = await within(1000, "settling the sends of a closed producer", () => settled);
			const stored = new Set((await readAll(broker, topic)).map((message) => message.value.n));
			for (const [n, receipt] of receipts.entries()) if (receipt.status === "fulfilled") assert.ok(stored.has(n));
			assert.ok(
				receipts.some((receipt) => receipt.status === "fulfilled"),
				"nothing at all was sent",
			);
			await rejectsWith(producer.send({ n: -1 }), "CLOSED");
		},
	},
	{
		id: "publish.full-buffer",
		promise: "contract point 13: a full buffer makes send wait, or fail with BUFFER_FULL where that was asked for",
		async run(ctx) {
			let most = 0;
			let held = 0;
			const broker = await ctx.connect({
				async append(next, call) {
					held += call.records.length;
					most = Math.max(most, held);
					const outcomes = await next();
					held -= call.records.length;
					return outcomes;
				},
			});
			const topic = await ctx.topic(broker);
			const pad = "x".repeat(1000);
			const failing = broker.producer(topic, { maxBufferedBytes: 10_000, onFull: "fail" });
			const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => failing.send({ n, pad }, { partition: 0 })));
			const refused = outcomes.filter((outcome) => outcome.status === "rejected");
			assert.ok(refused.length >= 80, `only ${refused.length} of 100 kB were refused by a buffer of 10 kB`);
			for (const { reason } of refused) hasCode(reason, "BUFFER_FULL");
			most = 0;
			const waiting = broker.producer(topic, { maxBufferedBytes: 10_000 });
			await Promise.all(Array.from({ length: 100 }, (_, n) => waiting.send({ n: 1000 + n, pad }, { partition: 0 })));
			assert.ok(most <= 11, `${most} kB were under way with a buffer of 10 kB`);
			const sent = (await readAll(broker, topic)).map((message) => message.value.n).filter((n) => n >= 1000);
			assert.deepEqual(
				sent,
				Array.from({ length: 100 }, (_, n) => 1000 + n),
			);
		},
	},
	{
		id: "publish.flush",
		promise: "contract point 2: after flush everything sent before is settled",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic, { lingerMs: 100 });
			let settled = 0;
			const sends = Array.from({ length: 50 }, (_, n) => producer.send({ n }).then(() => settled++));
			await producer.flush();
			assert.equal(settled, 50);
			await Promise.all(sends);
		},
	},
	{
		id: "publish.producer-group-marks-its-messages",
		promise: "a producer group's messages carry group, member and a sequence counted from 0 per partition",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const group = broker.producerGroup("feeders", { memberId: "one" });
			assert.equal(group.memberId, "one");
			const producer = group.producer(topic);
			await Promise.all(Array.from({ length: 30 }, (_, n) => producer.send({ n }, { partition: n % 3, headers: { mine: "kept" } })));
			for (const lane of byPartition(await readAll(broker, topic)).values()) {
				assert.deepEqual(
					lane.map((message) => message.headers.get("x-polylog-sequence")),
					Array.from({ length: 10 }, (_, i) => `${i}`),
				);
				for (const { headers } of lane) {
					assert.equal(headers.get("x-polylog-producer-group"), "feeders");
					assert.equal(headers.get("x-polylog-producer"), "one");
					assert.equal(headers.get("mine"), "kept");
				}
			}
			await group.close();
		},
	},
];

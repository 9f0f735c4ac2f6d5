// What a stranger may have written into the log.
import assert from "node:assert/strict";
import type { TopicDefinition } from "@polylog/core";
import type { Check } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { rawBytes, utf8 } from "../codecs.ts";
import { hasCode, rejectsWith } from "../expect.ts";
import { readAll } from "../reading.ts";
import type { Item } from "../recorder.ts";
import { committedAt, standsBetween } from "../settle.ts";
import { until } from "../time.ts";

/** Accepts `{ n: number }` and nothing else. */
const itemSchema: NonNullable<TopicDefinition<Item>["value"]> = {
	"~standard": {
		version: 1,
		vendor: "polylog-conformance",
		validate: (value) => {
			const good = typeof value === "object" && value !== null && "n" in value && typeof value.n === "number";
			return good ? { value: value as Item } : { issues: [{ message: "n has to be a number" }] };
		},
	},
};

const BAD: readonly Uint8Array[] = [
	utf8("not json"),
	utf8('{"n":'),
	utf8(""),
	utf8('{"n":"text"}'),
	utf8('{"n":1,"__proto__":{"polluted":true}}'),
	utf8('{"n":1,"deep":{"__proto__":{"polluted":true}}}'),
	utf8('{"n":1,"constructor":{"prototype":{"polluted":true}}}'),
	Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28),
	utf8("[".repeat(20_000)),
];

/** A topic with good messages 0, 1, 2 … and a bad record after each. */
async function mixed(ctx: CheckContext) {
	const broker = await ctx.connect();
	const raw = await ctx.topicOf<Uint8Array | null>(broker, { partitions: 1, codec: rawBytes });
	const producer = broker.producer(raw);
	for (const [n, bad] of BAD.entries()) {
		await producer.send(utf8(JSON.stringify({ n })), { partition: 0 });
		await producer.send(bad, { partition: 0, key: `bad${n}` });
	}
	await producer.send(utf8(JSON.stringify({ n: BAD.length })), { partition: 0 });
	const typed = { name: raw.name, definition: { value: itemSchema } };
	return { broker, raw, typed };
}

const clean = () => assert.equal(Object.hasOwn(Object.prototype, "polluted") || "polluted" in {}, false, "a prototype was touched");

export const badInputChecks: readonly Check[] = [
	{
		id: "bad-input.skipped",
		promise:
			"a record that is not JSON, does not fit its schema, or carries __proto__ is CODEC_FAILED through the failure policy; nothing else is lost",
		async run(ctx) {
			const { broker, typed } = await mixed(ctx);
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.group(broker, typed), { onFailure: { kind: "skip" } });
			await until(
				() => a.seen.length > BAD.length,
				() => `all good messages come (${a.seen.length})`,
			);
			assert.deepEqual(
				a.seen.map((message) => message.value.n),
				Array.from({ length: BAD.length + 1 }, (_, n) => n),
			);
			await until(() => a.errors.length >= BAD.length, "each bad one is told");
			assert.equal(a.errors.length, BAD.length);
			for (const error of a.errors) hasCode(error, "CODEC_FAILED");
			clean();
		},
	},
	{
		id: "bad-input.stops",
		promise: "contract point 16: by default a record that cannot be decoded stops its partition, and is retried in vain by nobody",
		async run(ctx) {
			const { broker, typed } = await mixed(ctx);
			const group = ctx.group(broker, typed);
			const recorder = ctx.recorder();
			const a = await recorder.follow(group, { commitIntervalMs: 20, retry: { retries: 50, initialDelayMs: 1000 } });
			// Fifty retries take most of a minute.
			await until(() => a.stuck.length > 0, "the partition is stuck");
			const error = hasCode(a.stuck[0]?.error, "CODEC_FAILED");
			assert.equal(error.context.topic, typed.name);
			assert.deepEqual(
				a.seen.map((message) => message.value.n),
				[0],
			);
			const partition = { topic: typed.name, index: 0 };
			const [before, bad] = [a.seen[0]?.offset ?? 0n, error.context.offset ?? 0n];
			await until(async () => standsBetween(await committedAt(group, partition), before, bad), "what came before is committed");
		},
	},
	{
		id: "bad-input.dead-letter",
		promise: "contract point 16: a record that cannot be decoded becomes a dead letter byte for byte",
		async run(ctx) {
			const { broker, typed } = await mixed(ctx);
			const dlq = await ctx.topicOf<Uint8Array | null>(broker, { partitions: 1, codec: rawBytes });
			const recorder = ctx.recorder();
			const a = await recorder.follow(ctx.group(broker, typed), { onFailure: { kind: "deadLetter", topic: dlq.name } });
			await until(() => a.seen.length > BAD.length, "all good messages come");
			const letters = await readAll(broker, dlq);
			assert.deepEqual(
				letters.map((letter) => Uint8Array.from(letter.value ?? [])),
				BAD.map((bad) => Uint8Array.from(bad)),
			);
			assert.deepEqual(
				letters.map((letter) => letter.key),
				BAD.map((_, n) => `bad${n}`),
			);
			clean();
		},
	},
	{
		id: "bad-input.read",
		promise: "reading without a group meets a bad record with CODEC_FAILED, and not with a value",
		async run(ctx) {
			const { broker, typed } = await mixed(ctx);
			const seen: Item[] = [];
			const all = async () => {
				for await (const message of broker.read(typed, { to: "latest" })) seen.push(message.value);
			};
			await rejectsWith(all(), "CODEC_FAILED");
			assert.deepEqual(seen, [{ n: 0 }]);
		},
	},
	{
		id: "bad-input.not-sent",
		promise: "a value that does not fit its schema or cannot be encoded is refused by send, and stores nothing",
		async run(ctx) {
			const broker = await ctx.connect();
			const plain = await ctx.topicOf<unknown>(broker, { partitions: 1 });
			const typed = { name: plain.name, definition: { value: itemSchema } };
			const producer = broker.producer<unknown>(typed);
			await rejectsWith(producer.send({ n: "text" }), "CODEC_FAILED");
			await rejectsWith(broker.producer(plain).send(1n), "CODEC_FAILED");
			const circular: Record<string, unknown> = {};
			circular["self"] = circular;
			await rejectsWith(broker.producer(plain).send(circular), "CODEC_FAILED");
			await producer.send({ n: 1 });
			assert.deepEqual(
				(await readAll(broker, plain)).map((message) => message.value),
				[{ n: 1 }],
			);
		},
	},
	{
		id: "bad-input.names",
		promise: "names that no broker should see are refused before anything is sent",
		async run(ctx) {
			const broker = await ctx.connect();
			const before = await broker.topics.list();
			for (const name of ["", "a/b", "a b", "{tag}", "__polylog-x", "x".repeat(201), "é", "a\nb"]) {
				await assert.rejects(async () => await broker.topics.create(name), `topic ${JSON.stringify(name)} was accepted`);
				await assert.rejects(
					async () => await broker.consumerGroup(name, { topics: [{ name: "fine", definition: {} }], from: "earliest" }).join(),
					`group ${JSON.stringify(name)} was accepted`,
				);
			}
			const made = (await broker.topics.list()).filter((name) => !before.includes(name) && !name.startsWith("conf-"));
			assert.deepEqual(made, []);
		},
	},
];

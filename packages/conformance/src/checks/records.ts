// What is stored is what comes back: bytes, keys, headers, times.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { rawBytes, utf8 } from "../codecs.ts";
import { rejectsWith } from "../expect.ts";
import { byPartition, readAll } from "../reading.ts";
import { clock } from "../time.ts";

const bytesOf = (value: string | Uint8Array | undefined): Uint8Array | undefined =>
	typeof value === "string" ? utf8(value) : value && Uint8Array.from(value);

/** Not deepEqual: its account of a difference between long arrays takes minutes. */
const sameBytes = (one: Uint8Array | null | undefined, two: Uint8Array): boolean =>
	one !== null && one !== undefined && Buffer.compare(one, two) === 0;

export const recordChecks: readonly Check[] = [
	{
		id: "records.bytes",
		promise: "contract point 1: keys and values come back byte for byte, whatever the bytes are",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topicOf<Uint8Array | null>(broker, { codec: rawBytes });
			const every = Uint8Array.from({ length: 256 }, (_, i) => i);
			const values = [
				every,
				Uint8Array.of(0),
				Uint8Array.of(0xff, 0xfe, 0xc3, 0x28),
				utf8("é\r\n\0"),
				...Array.from({ length: 20 }, () => ctx.random.bytes(1 + ctx.random.below(2000))),
			];
			const producer = broker.producer(topic);
			for (const value of values) await producer.send(value, { key: value.slice(0, 64), partition: 0 });
			const stored = await readAll(await ctx.connect(), topic);
			assert.equal(stored.length, values.length);
			for (const [i, value] of values.entries()) {
				assert.ok(sameBytes(stored[i]?.value, value), `value ${i}, of ${value.length} bytes, came back as another one`);
				assert.ok(sameBytes(stored[i]?.raw.key, value.slice(0, 64)), `key ${i} came back as another one`);
			}
		},
	},
	{
		id: "records.empty",
		promise: "an empty value and an empty key are not a missing one",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topicOf<Uint8Array | null>(broker, { codec: rawBytes });
			const producer = broker.producer(topic);
			await producer.send(new Uint8Array(), { key: new Uint8Array(), partition: 0 });
			await producer.send(utf8("x"), { partition: 0 });
			const [empty, keyless] = await readAll(broker, topic);
			assert.deepEqual(bytesOf(empty?.value ?? undefined), new Uint8Array());
			assert.deepEqual(bytesOf(empty?.raw.key), new Uint8Array());
			assert.equal(empty?.key, "");
			assert.equal(keyless?.raw.key, undefined);
			assert.equal(keyless?.key, undefined);
		},
	},
	{
		id: "records.tombstone",
		promise: "a record without a value comes back without one, and is not an empty value",
		needs: ["tombstones"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topicOf<Uint8Array | null>(broker, { codec: rawBytes });
			const producer = broker.producer(topic);
			await producer.send(null, { key: "gone", partition: 0, headers: { why: "deleted" } });
			await producer.send(new Uint8Array(), { key: "gone", partition: 0 });
			const [tombstone, empty] = await readAll(broker, topic);
			assert.equal(tombstone?.value, null);
			assert.equal(tombstone?.raw.value, null);
			assert.equal(tombstone?.key, "gone");
			assert.equal(tombstone?.headers.get("why"), "deleted");
			assert.notEqual(empty?.value, null);
		},
	},
	{
		id: "records.headers",
		promise: "headers with odd names and values come back as they were, and touch no prototype",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const headers: (readonly [string, string | Uint8Array])[] = [
				["__proto__", "polluted"],
				["constructor", "c"],
				["hasOwnProperty", "h"],
				["toString", "t"],
				["content-type", "application/json"],
				["UPPER", "lower"],
				["with space: and=signs;", "v"],
				["näme-日本", "wért-🎈"],
				["empty", ""],
				["value", "v"],
				["key", "k"],
				["time", "0"],
				["h:nested", "n"],
				["x-custom", "1"],
				["0", "zero"],
				["binary", Uint8Array.of(0, 255, 254, 10, 13)],
			];
			await broker.producer(topic).send({ n: 1 }, { headers, partition: 0 });
			const [message] = await readAll(await ctx.connect(), topic);
			assert.ok(message);
			for (const [name, value] of headers) {
				assert.deepEqual(bytesOf(message.headers.raw(name)), bytesOf(value), `header ${name}`);
				if (typeof value === "string") assert.equal(message.headers.get(name), value);
			}
			assert.equal([...message.headers].length, headers.length);
			assert.equal(message.headers.get("absent"), undefined);
			assert.equal(message.headers.has("valueOf"), false);
			assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
		},
	},
	{
		id: "records.header-multimap",
		promise: "headers keep their order and may repeat a name",
		needs: ["headerMultimap"],
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const headers: (readonly [string, string])[] = [
				["b", "1"],
				["a", "2"],
				["b", "3"],
				["c", "4"],
				["a", "5"],
			];
			await broker.producer(topic).send({ n: 1 }, { headers });
			const [message] = await readAll(broker, topic);
			assert.deepEqual(
				[...(message?.headers ?? [])].map(([name, value]) => [name, String(value)]),
				headers,
			);
			assert.deepEqual(message?.headers.getAll("b"), ["1", "3"]);
		},
	},
	{
		id: "records.time",
		promise: "a timestamp that was given comes back; without one it is the time of sending",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			const before = clock.wall();
			await producer.send({ n: 1 }, { partition: 0, timestamp: 1_600_000_000_123 });
			await producer.send({ n: 2 }, { partition: 0 });
			const [given, now] = await readAll(broker, topic);
			assert.equal(given?.timestamp.getTime(), 1_600_000_000_123);
			const time = now?.timestamp.getTime() ?? 0;
			assert.ok(time >= before - 1 && time <= clock.wall() + 1, `${time} is not between ${before} and now`);
		},
	},
	{
		id: "records.header-limits",
		promise: "64 headers and 16 KiB of them are stored; more is MESSAGE_TOO_LARGE, and stores nothing",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			const named = (count: number) => Array.from({ length: count }, (_, i): [string, string] => [`h${i}`, `${i}`]);
			await rejectsWith(producer.send({ n: 1 }, { partition: 0, headers: named(65) }), "MESSAGE_TOO_LARGE");
			await rejectsWith(producer.send({ n: 2 }, { partition: 0, headers: [["h", "x".repeat(17_000)]] }), "MESSAGE_TOO_LARGE");
			await producer.send({ n: 3 }, { partition: 0, headers: named(64) });
			await producer.send({ n: 4 }, { partition: 0, headers: [["h", "x".repeat(16_000)]] });
			const stored = await readAll(broker, topic);
			assert.deepEqual(
				stored.map((message) => [message.value.n, message.headers.size]),
				[
					[3, 64],
					[4, 1],
				],
			);
			assert.equal(stored[1]?.headers.get("h")?.length, 16_000);
		},
	},
	{
		id: "records.large",
		promise: "a record of 900 kB comes back whole, among small ones",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topic(broker);
			const producer = broker.producer(topic);
			const pad = "é".repeat(450_000);
			await Promise.all([0, 1, 2].map((n) => producer.send(n === 1 ? { n, pad } : { n }, { partition: 0 })));
			const lane = byPartition(await readAll(broker, topic)).get(0) ?? [];
			assert.deepEqual(
				lane.map((message) => message.value.n),
				[0, 1, 2],
			);
			assert.equal(lane[1]?.value.pad === pad, true);
		},
	},
];

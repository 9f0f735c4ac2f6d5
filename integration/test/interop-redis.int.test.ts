// Streams shared with redis-cli: whatever a person types at a prompt, a group can read, and the other way round.
import { type Broker, connect } from "@polylog/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reportBackend, type RunningBackend, startBackend } from "../src/backends.ts";
import { redisCli } from "../src/clients/foreign.ts";
import { readByGroup, storedTopic } from "../src/stored-message.ts";

const BINARY = Buffer.from([0, 0xff, 0x80, 0x0a]);
const READABLE_BINARY = "0x00ff800a";

describe("a stream shared with redis-cli", { timeout: 60_000 }, () => {
	let redis: RunningBackend;
	let broker: Broker;

	beforeAll(async () => {
		redis = await startBackend("redis-streams");
		broker = await connect(redis.url);
	}, 300_000);

	beforeEach((context) => reportBackend(context, "redis-streams", redis));

	afterAll(async () => {
		await broker?.close();
		await redis?.[Symbol.asyncDispose]();
	});

	it("gives a group what was typed at redis-cli, between what was sent: key, value, repeated headers, bytes, tombstone", async () => {
		const shared = storedTopic("by-cli", 2);
		const producer = broker.producer(shared);
		await producer.send(Buffer.from("before"), { partition: 0 });
		await (
			await redisCli()
		).type(redis.url, [
			'XADD {by-cli:0} * value "Gr\\xc3\\xbc\\xc3\\x9fe" key k1 h:trace 7 h:from redis-cli h:trace 8',
			'XADD {by-cli:0} * value "\\x00\\xff\\x80\\x0a" key "\\x00\\xff\\x80\\x0a" h:bytes "\\x00\\xff\\x80\\x0a"',
			"XADD {by-cli:0} * tombstone 1 key k3",
			"XADD {by-cli:1} * city Oslo temperature 7",
		]);
		await producer.send(Buffer.from("after"), { partition: 0 });
		expect(await readByGroup(broker, { name: "reads-cli", topics: [shared], count: 6 })).toEqual([
			{ partition: 0, key: null, value: "before", headers: [] },
			{
				partition: 0,
				key: "k1",
				value: "Grüße",
				headers: [
					["trace", "7"],
					["from", "redis-cli"],
					["trace", "8"],
				],
			},
			{ partition: 0, key: READABLE_BINARY, value: READABLE_BINARY, headers: [["bytes", READABLE_BINARY]] },
			{ partition: 0, key: "k3", value: null, headers: [] },
			{ partition: 0, key: null, value: "after", headers: [] },
			// Nothing of ours in it: a JSON object of its fields.
			{ partition: 1, key: null, value: '{"city":"Oslo","temperature":"7"}', headers: [] },
		]);
	});

	it("reads a stream of somebody else's as a topic, where the configuration adopts it", async () => {
		await (await redisCli()).type(redis.url, ["XADD weather 5-1 city Oslo", "XADD weather 5-2 city Rome"]);
		await using adopting = await connect({ url: redis.url, "redis-streams": { adopt: { forecasts: "weather" } } });
		const forecasts = storedTopic("forecasts", 1);
		expect(await readByGroup(adopting, { name: "reads-weather", topics: [forecasts], count: 2 })).toEqual([
			{ partition: 0, key: null, value: '{"city":"Oslo"}', headers: [] },
			{ partition: 0, key: null, value: '{"city":"Rome"}', headers: [] },
		]);
	});

	it("shows redis-cli what was sent, field by field, under dense ids", async () => {
		const shared = storedTopic("to-cli", 1);
		await broker.producer(shared).sendBatch([
			{
				key: "k1",
				value: Buffer.from("Grüße"),
				headers: [
					["trace", "7"],
					["from", "polylog"],
					["trace", "8"],
				],
				timestamp: 1_700_000_000_123,
			},
			{ key: "k2", value: null, timestamp: 1_700_000_000_124 },
		]);
		expect(await (await redisCli()).json(redis.url, "XRANGE", "{to-cli:0}", "-", "+")).toEqual([
			["0-1", ["value", "Grüße", "key", "k1", "time", "1700000000123", "h:trace", "7", "h:from", "polylog", "h:trace", "8"]],
			["0-2", ["tombstone", "1", "key", "k2", "time", "1700000000124"]],
		]);
		await broker.producer(shared).send(BINARY, { key: BINARY, headers: [["b", BINARY]], timestamp: 1 });
		const printed = await (await redisCli()).type(redis.url, ["XRANGE {to-cli:0} 0-3 0-3"]);
		const bytes = String.raw`\x00\xff\x80\n`;
		expect([...printed.matchAll(/"([^"]*)"/g)].map(([, text]) => text)).toEqual([
			"0-3",
			"value",
			bytes,
			"key",
			bytes,
			"time",
			"1",
			"h:b",
			bytes,
		]);
	});

	it("shows redis-cli where a group stands", async () => {
		const shared = storedTopic("watched", 1);
		await broker.producer(shared).sendBatch(Array.from({ length: 5 }, (_, i) => ({ value: Buffer.from(`${i}`) })));
		await readByGroup(broker, { name: "watched-by-cli", topics: [shared], count: 5 });
		const committed = [...(await broker.consumerGroup("watched-by-cli", { topics: [shared], from: "earliest" }).committed()).values()];
		expect(committed).toEqual([5n]);
		const cli = await redisCli();
		// It is shown after the commit, which does not wait for that.
		await expect
			.poll(async () => await cli.json(redis.url, "XINFO", "GROUPS", "{watched:0}"), { timeout: 10_000 })
			.toMatchObject([{ name: "watched-by-cli", "last-delivered-id": "0-5", pending: 0 }]);
	});
});

// What strangers write into the log, and what nobody should send.
import assert from "node:assert/strict";
import { type Broker, bytes, isPolylogError, topic } from "@polylog/core";
import type { FaultCase } from "../fault-case.ts";
import { until } from "../waiting.ts";

const text = (value: string) => new TextEncoder().encode(value);

const HOSTILE: readonly Uint8Array[] = [
	text("not json"),
	text('{"id":'),
	text(""),
	text('{"id":"x","__proto__":{"polluted":true}}'),
	text('{"id":"x","deep":{"constructor":{"prototype":{"polluted":true}}}}'),
	Uint8Array.of(0xff, 0xfe, 0x00, 0xc3, 0x28),
	text("[".repeat(50_000)),
];

const rejection = (promise: Promise<unknown>) =>
	promise.then(
		() => "stored",
		(error: unknown) => (isPolylogError(error) ? error.code : String(error)),
	);

async function deadLetters(broker: Broker, name: string): Promise<string[]> {
	const found: string[] = [];
	for await (const { value } of broker.read(topic(name, { codec: bytes() }), { to: "latest" }))
		found.push(Buffer.from(value ?? []).toString("base64"));
	return found;
}

export const hostileInputCases: readonly FaultCase[] = [
	{
		id: "F44",
		fault: "records that are no JSON, cut off, empty, deeply nested, or carry __proto__; messages and headers that are too large",
		expected:
			"each is dead-lettered byte for byte and the rest goes on; too large is MESSAGE_TOO_LARGE or a RangeError, never sent; no prototype is touched",
		on: ["memory", "redis", "rabbitmq", "kafka"],
		smoke: true,
		async run(stage) {
			const broker = await stage.make(1);
			const dead = `${stage.topic}.dead`;
			stage.topics.push(dead);
			await broker.topics.create(dead, { partitions: 1 });
			const a = await stage.member("a", { deadLetter: dead });
			await stage.producer("p", { rate: 40 });
			await stage.handled(10);
			const raw = broker.producer(topic(stage.topic, { codec: bytes() }));
			for (const hostile of HOSTILE) await raw.send(hostile, { partition: 0 });
			assert.equal(await rejection(raw.send(new Uint8Array(2 * 1024 * 1024))), "MESSAGE_TOO_LARGE");
			const bomb = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`h${i}`, "x"]));
			assert.match(await rejection(raw.send(text("{}"), { headers: bomb })), /MESSAGE_TOO_LARGE|RangeError/);
			await until(
				async () => (await deadLetters(broker, dead)).length >= HOSTILE.length,
				() => `all are dead-lettered (${a.tail()})`,
			);
			assert.deepEqual(
				await deadLetters(broker, dead),
				HOSTILE.map((value) => Buffer.from(value).toString("base64")),
			);
			const at = Date.now();
			await until(() => a.started(at).length > 20, "the others go on");
			assert.deepEqual(a.notes("polluted"), [], "a prototype was touched");
			await raw.close();
			return `${HOSTILE.length} dead letters`;
		},
	},
];

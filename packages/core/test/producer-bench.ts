// node --conditions=@polylog/source packages/core/test/producer-bench.ts
import { systemClock, systemRandom } from "../src/clock.ts";
import { createProducer } from "../src/producer/producer.ts";
import { topic } from "../src/topic.ts";
import { ScriptedAppender } from "./scripted-appender.ts";
import { bytes } from "../src/codec/bytes.ts";

const OK = { status: "ok" } as const;
const driver = new ScriptedAppender(async ({ records }) => {
	await systemClock.yield();
	driver.appends.length = 0;
	return records.map(() => OK);
});
const parts = { driver, clock: systemClock, random: systemRandom, wrap: driver.wrap, ensureTopic: async () => 8 };
const N = 500_000;
const value = { id: 12345, text: "x".repeat(170) };
const raw = Buffer.alloc(200, 1);

async function rate(name: string, work: () => Promise<unknown>) {
	const start = systemClock.now();
	await work();
	const ms = systemClock.now() - start;
	console.log(`${name.padEnd(34)} ${Math.round((N / ms) * 1000).toLocaleString()} msgs/s`);
}
for (let round = 0; round < 3; round++) {
	const j = createProducer(topic<typeof value>("bench"), parts);
	const b = createProducer(topic<Uint8Array>("bench", { codec: bytes() }), parts);
	const keyed = createProducer(topic<typeof value>("bench", { key: (v) => String(v.id) }), parts);
	await rate("sendBatch json, no key", () =>
		j.sendBatch(
			(function* () {
				for (let i = 0; i < N; i++) yield { value };
			})(),
		),
	);
	await rate("sendBatch json, key", () =>
		keyed.sendBatch(
			(function* () {
				for (let i = 0; i < N; i++) yield { value };
			})(),
		),
	);
	await rate("sendBatch bytes", () =>
		b.sendBatch(
			(function* () {
				for (let i = 0; i < N; i++) yield { value: raw };
			})(),
		),
	);
	await rate("send json (1000 at a time)", async () => {
		for (let i = 0; i < N; i += 1000) {
			const p = [];
			for (let k = 0; k < 1000; k++) p.push(j.send(value));
			await Promise.all(p);
		}
	});
	await rate("send bytes (1000 at a time)", async () => {
		for (let i = 0; i < N; i += 1000) {
			const p = [];
			for (let k = 0; k < 1000; k++) p.push(b.send(raw));
			await Promise.all(p);
		}
	});
	await rate("send json (all at once)", async () => {
		const p = [];
		for (let k = 0; k < N; k++) p.push(j.send(value));
		await Promise.all(p);
	});
	await Promise.all([j.close(), b.close(), keyed.close()]);
}

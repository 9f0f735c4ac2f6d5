// The driver contract itself, below core: what only an adapter's author would otherwise find out late.
import assert from "node:assert/strict";
import type { Driver, Reader } from "@polylog/core/driver";
import type { Check } from "../check.ts";
import type { CheckContext } from "../context.ts";
import { clock, delay, until, within } from "../time.ts";

/** A connected driver of the backend, and a topic of one partition with `count` records. */
async function bare(ctx: CheckContext, count: number) {
	let driver: Driver | undefined;
	const tapped = await ctx.connect({
		driver(made) {
			driver = made;
			return made;
		},
	});
	assert.ok(driver);
	const topic = await ctx.topic(tapped, { partitions: 1 });
	const recorder = ctx.recorder();
	const writer = await ctx.connect();
	await recorder.send(writer.producer(topic), count, { partition: 0 });
	const earliest = (await writer.topics.describe(topic)).partitions[0]?.earliest ?? 0n;
	return { driver, writer, topic, recorder, earliest, partition: { topic: topic.name, index: 0 } };
}

const CREDIT = { records: 100, bytes: 1_000_000 };

async function read(reader: Reader, count: number, credit = CREDIT): Promise<bigint[]> {
	const offsets: bigint[] = [];
	await until(
		async () => {
			const records = await reader.fetch(credit);
			assert.ok(records.length <= credit.records, `${records.length} records for a credit of ${credit.records}`);
			offsets.push(...records.map((record) => record.offset));
			return offsets.length >= count;
		},
		`${count} records are read`,
		20_000,
	);
	return offsets;
}

export const driverChecks: readonly Check[] = [
	{
		id: "driver.credit",
		promise: "contract point 13: fetch gives no more records than its credit, in order and without a gap, whatever the credit",
		async run(ctx) {
			const { driver, partition, earliest } = await bare(ctx, 60);
			const whole = await read(driver.openReader(partition, earliest), 60);
			assert.equal(whole.length, 60);
			for (const records of [1, 7, 59])
				assert.deepEqual(await read(driver.openReader(partition, earliest), 60, { records, bytes: 1_000_000 }), whole);
			const bytes = await read(driver.openReader(partition, earliest), 1, { records: 60, bytes: 1 });
			assert.equal(bytes.length, 1, "a reader stops after the record that passes its bytes");
		},
	},
	{
		id: "driver.position",
		promise: "a reader's position passes no record that it has not returned, and comes to the end when all are returned",
		async run(ctx) {
			const { driver, writer, topic, partition, earliest } = await bare(ctx, 40);
			const whole = await read(driver.openReader(partition, earliest), 40);
			const end = (await writer.topics.describe(topic)).partitions[0]?.end ?? 0n;
			const reader = driver.openReader(partition, earliest);
			assert.equal(reader.position, earliest, "the position of a new reader");
			let count = 0;
			await until(
				async () => {
					count += (await reader.fetch({ records: 7, bytes: 1_000_000 })).length;
					const next = whole[count] ?? end;
					const { position } = reader;
					assert.ok(position <= next, `${count} records were returned, the next one is at ${next}, and the position is ${position}`);
					return position >= end;
				},
				() => `the position comes to the end (${reader.position} of ${end})`,
			);
			assert.equal(count, 40);
		},
	},
	{
		id: "driver.many-readers",
		promise: "readers of one partition do not disturb each other",
		async run(ctx) {
			const { driver, partition, earliest } = await bare(ctx, 40);
			const readers = Array.from({ length: 30 }, () => driver.openReader(partition, earliest));
			const all = await Promise.all(readers.map((reader, i) => read(reader, 40, { records: 1 + i, bytes: 1_000_000 })));
			for (const offsets of all) assert.deepEqual(offsets, all[0]);
			await Promise.all(readers.map((reader) => reader.close()));
		},
	},
	{
		id: "driver.idle-reader",
		promise: "a reader with nothing to read waits: it does not come back empty all the time, and misses nothing that comes",
		async run(ctx) {
			const { driver, writer, topic, recorder, partition, earliest } = await bare(ctx, 1);
			const reader = driver.openReader(partition, earliest);
			await read(reader, 1);
			const start = clock.now();
			let empties = 0;
			const end = Promise.withResolvers<bigint>();
			const waiting = (async () => {
				for (;;) {
					const [record] = await reader.fetch(CREDIT);
					if (record) return end.resolve(record.offset);
					if (++empties > 20 * Math.max(1, (clock.now() - start) / 1000))
						return end.reject(new Error("fetch came back empty 20 times within a second"));
				}
			})();
			await Promise.race([delay(800), end.promise]);
			await recorder.send(writer.producer(topic), 1, { from: 1, partition: 0 });
			assert.ok((await within(5000, "waiting for the next record", () => end.promise)) > earliest);
			await waiting;
		},
	},
	{
		id: "driver.aborted-fetch",
		promise: "an abort ends a fetch that waits, and the next one goes on at the exact next offset",
		async run(ctx) {
			const { driver, writer, topic, recorder, partition, earliest } = await bare(ctx, 5);
			const reader = driver.openReader(partition, earliest);
			const first = await read(reader, 5);
			for (let round = 0; round < 5; round++) {
				const stop = new AbortController();
				const waiting = reader.fetch(CREDIT, stop.signal).then(
					(records) => records.map((record) => record.offset),
					() => [],
				);
				await delay(ctx.random.below(20));
				stop.abort();
				assert.deepEqual(await within(2000, "an aborted fetch", () => waiting), []);
			}
			await recorder.send(writer.producer(topic), 5, { from: 5, partition: 0 });
			const rest = await read(reader, 5);
			const whole = await read(driver.openReader(partition, earliest), 10);
			assert.deepEqual([...first, ...rest], whole);
		},
	},
	{
		id: "driver.closed",
		promise: "after close or destroy every call rejects; a fetch does not come back empty for ever, which would spin",
		async run(ctx) {
			for (const how of ["close", "destroy"] as const) {
				const { driver, partition, earliest } = await bare(ctx, 3);
				const reader = driver.openReader(partition, earliest);
				await read(reader, 3);
				const underWay = reader.fetch(CREDIT).then(
					() => {},
					() => {},
				);
				await delay(20);
				await driver[how]();
				await driver[how]();
				await within(2000, `a fetch under way at ${how}`, () => underWay);
				await assert.rejects(
					within(3000, "a fetch", () => reader.fetch(CREDIT)),
					`fetch after ${how} resolved`,
				);
				await assert.rejects(
					within(3000, "a description", () => driver.topics.describe(partition.topic)),
					`describe after ${how} resolved`,
				);
				const appended = await within(3000, "an append", () =>
					driver
						.append(partition, [{ key: undefined, value: new Uint8Array(), headers: [], timestamp: 0 }], { id: "p", epoch: 0, sequence: 0 })
						.catch(() => []),
				);
				assert.ok(
					appended.every(({ status }) => status !== "ok"),
					`an append after ${how} was acknowledged`,
				);
			}
		},
	},
	{
		id: "driver.classify-is-total",
		promise: "whatever is thrown at it, classify gives a code and throws nothing",
		async run(ctx) {
			const { driver } = await bare(ctx, 0);
			for (const odd of [undefined, null, 0, "text", {}, [], Object.create(null), new Error("foreign"), () => {}])
				assert.equal(driver.classify(odd).code, "UNKNOWN");
		},
	},
];

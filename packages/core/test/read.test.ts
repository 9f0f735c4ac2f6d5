// broker.read, and that what is asked of the log is answered by a lookup that began after the question.
import { afterEach, expect, it, vi } from "vitest";
import { bytes, type Broker, connect, topic } from "../src/index.ts";
import type { Reader } from "../src/driver/index.ts";
import { brokerWith } from "./scripted-group.ts";

const numbers = topic<number>("numbers", { partitions: 3 });
let broker: Broker | undefined;
afterEach(() => broker?.close());

it("closes every reader when its consumer leaves in the middle of a page", async () => {
	let open = 0;
	broker = await brokerWith((driver) => ({
		openReader: (partition, from) => {
			open++;
			const reader = driver.openReader(partition, from);
			let closed = false;
			return {
				get position() {
					return reader.position;
				},
				fetch: (credit, signal) => reader.fetch(credit, signal),
				close: () => {
					if (!closed) open--;
					closed = true;
					return reader.close();
				},
			};
		},
	}));
	await broker.topics.ensure(numbers);
	await broker.producer(numbers).sendBatch(Array.from({ length: 30 }, (_, i) => ({ value: i, partition: i % 3 })));
	for await (const _ of broker.read(numbers)) break;
	expect(open).toBe(0);
});

/** A driver whose readers are changed. */
const readers = (change: (reader: Reader) => Reader) =>
	brokerWith((driver) => ({ openReader: (partition, from) => change(driver.openReader(partition, from)) }));

it("takes an empty page for no end: a slow broker gives the same", async () => {
	broker = await readers((reader) => {
		let fetches = 0;
		return {
			get position() {
				return reader.position;
			},
			fetch: async (credit, signal) => (fetches++ % 2 === 0 ? [] : await reader.fetch({ ...credit, records: 2 }, signal)),
			close: () => reader.close(),
		};
	});
	await broker.topics.ensure(numbers);
	await broker.producer(numbers).sendBatch(Array.from({ length: 9 }, (_, i) => ({ value: i, partition: 0 })));
	const seen: number[] = [];
	for await (const { value } of broker.read(numbers, { partition: 0, to: "latest" })) seen.push(value);
	expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

it("ends where the last offsets hold no records", async () => {
	// As if 3 and 4 had been deleted.
	broker = await readers((reader) => ({
		get position() {
			return reader.position === 3n ? 5n : reader.position;
		},
		fetch: async (credit, signal) => {
			const records = await reader.fetch({ ...credit, records: Math.max(1, Number(3n - reader.position)) }, signal);
			return records.filter(({ offset }) => offset < 3n);
		},
		close: () => reader.close(),
	}));
	await broker.topics.ensure(numbers);
	await broker.producer(numbers).sendBatch([0, 1, 2, 3, 4].map((value) => ({ value, partition: 0 })));
	const seen: number[] = [];
	for await (const { value } of broker.read(numbers, { partition: 0, to: "latest" })) seen.push(value);
	expect(seen).toEqual([0, 1, 2]);
});

it("ends at the latest, by abort, and by the broker's closing", async () => {
	broker = await connect("memory:");
	await broker.topics.ensure(numbers);
	await broker.producer(numbers).sendBatch([1, 2, 3].map((value) => ({ value, partition: value - 1 })));
	const seen: number[] = [];
	for await (const { value } of broker.read(numbers, { from: "earliest", to: "latest" })) seen.push(value);
	expect(seen.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
	const stopped = new AbortController();
	const drain = async (signal?: AbortSignal) => {
		for await (const _ of broker?.read(numbers, { from: "latest", ...(signal ? { signal } : {}) }) ?? []);
	};
	const aborted = drain(stopped.signal);
	const closed = drain();
	const failures = Promise.allSettled([aborted, closed]);
	stopped.abort();
	await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
	await broker.close();
	await failures;
	await expect(closed).rejects.toMatchObject({ code: "CLOSED" });
});

it("waits at no partition without records more often than it has to", async () => {
	broker = await connect("memory:");
	await broker.topics.ensure(numbers);
	const races = vi.spyOn(Promise, "race");
	const producer = broker.producer(numbers);
	let count = 0;
	await producer.send(0, { partition: 0 });
	for await (const { value } of broker.read(numbers)) {
		if (++count === 50) break;
		await producer.send(value + 1, { partition: 0 });
	}
	const calls = races.mock.calls.length;
	races.mockRestore();
	// A race leaves one reaction at every promise that has not settled, here those of the two idle partitions.
	expect(calls).toBeLessThan(10);
});

it("sees a message that was stored before the question, although an earlier lookup is still under way", async () => {
	const gate = Promise.withResolvers<void>();
	let held = false;
	broker = await brokerWith((driver) => ({
		topics: Object.assign(Object.create(driver.topics), {
			describe: async (name: string) => {
				const described = await driver.topics.describe(name);
				if (held) await gate.promise;
				return described;
			},
		}),
	}));
	await broker.topics.ensure(numbers);
	const producer = broker.producer(numbers);
	await producer.send(0, { partition: 0 });
	held = true;
	const earlier = broker.topics.describe(numbers);
	await new Promise((resolve) => setTimeout(resolve, 5));
	await producer.send(1, { partition: 0 });
	const lag = broker.consumerGroup("g", { topics: [numbers], from: "earliest" }).lag();
	await new Promise((resolve) => setTimeout(resolve, 5));
	gate.resolve();
	await earlier;
	expect((await lag).total).toBe(2n);
});

it("stores and reads bytes that nobody else can change", async () => {
	broker = await connect("memory:");
	const blobs = topic<Uint8Array>("blobs", { partitions: 1, codec: bytes() });
	const value = Buffer.from("stored");
	await broker.producer(blobs).send(value);
	value.fill(0);
	for (let i = 0; i < 2; i++)
		for await (const message of broker.read(blobs, { to: "latest" })) {
			expect(Buffer.from(message.value).toString()).toBe("stored");
			message.value.fill(0);
		}
});

import { gzipSync, zstdCompressSync } from "node:zlib";
import type { OutgoingRecord, RawRecord } from "@polylog/core/driver";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchReader } from "./batch-reader.ts";
import { encodeBatch, recordBound } from "./batch-writer.ts";
import { crc32c } from "./crc32c.ts";

const PRODUCER = { id: 7n, epoch: 1, sequence: 3 };
const record = (text: string, more: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
	key: undefined,
	value: Buffer.from(text),
	headers: [],
	timestamp: 1_700_000_000_000,
	...more,
});
const texts = (records: readonly RawRecord[]) => records.map(({ value }) => (value ? Buffer.from(value).toString() : null));

interface Shape {
	readonly base: bigint;
	readonly attributes?: number;
	readonly producerId?: bigint;
	readonly epoch?: number;
	/** Instead of the writer's own. */
	readonly lastDelta?: number;
	readonly content?: Buffer;
	readonly count?: number;
}

/** A batch as the broker would have stored it. */
function stored(
	records: readonly OutgoingRecord[],
	{ base, attributes = 0, producerId = -1n, epoch = 0, lastDelta, content, count }: Shape,
): Buffer {
	const made = encodeBatch(records, PRODUCER, "none");
	const batch = Buffer.concat([made.subarray(0, 61), content ?? made.subarray(61)]);
	batch.writeBigInt64BE(base, 0);
	batch.writeInt32BE(batch.length - 12, 8);
	batch.writeInt32BE(epoch, 12);
	batch.writeInt16BE(attributes, 21);
	if (lastDelta !== undefined) batch.writeInt32BE(lastDelta, 23);
	batch.writeBigInt64BE(producerId, 43);
	if (count !== undefined) batch.writeInt32BE(count, 57);
	batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
	return batch;
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

describe("record batches", () => {
	it("have the checksum of the standard's example", () => {
		expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
		expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
	});

	it("read back what was written, whatever it was", () => {
		const bytes = fc.uint8Array({ maxLength: 300 });
		const any = fc.record({
			key: fc.option(bytes, { nil: undefined }),
			value: fc.option(bytes, { nil: null }),
			headers: fc.array(fc.tuple(fc.string({ maxLength: 9 }), bytes), { maxLength: 3 }),
			timestamp: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
		});
		fc.assert(
			fc.property(fc.array(any, { minLength: 1, maxLength: 40 }), fc.constantFrom("none", "gzip", "zstd"), (records, compression) => {
				const batch = encodeBatch(records, PRODUCER, compression);
				const plain = encodeBatch(records, PRODUCER, "none");
				expect(plain.length).toBeLessThanOrEqual(61 + records.reduce((sum, one) => sum + recordBound(one), 0));
				const read = new BatchReader(batch, [], 0n, -1).take(1000, Number.MAX_SAFE_INTEGER);
				expect(read.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i)));
				for (const [i, { key, value, headers, timestamp }] of records.entries()) {
					expect(read[i]?.timestamp).toBe(timestamp);
					expect(read[i]?.key && new Uint8Array(read[i].key)).toEqual(key);
					expect(read[i]?.value && new Uint8Array(read[i].value)).toEqual(value);
					expect(read[i]?.headers.map(([name, content]) => [name, new Uint8Array(content as Buffer)])).toEqual(headers);
				}
			}),
		);
	});

	it("start in the middle of a batch, stop at the credit and go on there", () => {
		const reader = new BatchReader(
			stored(
				["a", "b", "c", "d", "e", "f"].map((text) => record(text)),
				{ base: 100n },
			),
			[],
			102n,
			-1,
		);
		expect(texts(reader.take(2, 1000))).toEqual(["c", "d"]);
		expect(reader.position).toBe(104n);
		expect(texts(reader.take(10, 1))).toEqual(["e"]);
		expect(texts(reader.take(10, 1000))).toEqual(["f"]);
		expect(reader.done).toBe(true);
		expect(reader.position).toBe(106n);
	});

	it("move the position over what compaction and the end of a batch left out", () => {
		const log = Buffer.concat([
			stored([record("a")], { base: 10n, lastDelta: 5 }),
			stored([record("-")], { base: 16n, lastDelta: 3, content: Buffer.alloc(0), count: 0 }),
		]);
		const reader = new BatchReader(log, [], 10n, -1);
		expect(texts(reader.take(1, 1000))).toEqual(["a"]);
		expect(reader.position).toBe(16n);
		expect(reader.take(10, 1000)).toEqual([]);
		expect(reader.position).toBe(20n);
	});

	it("leave out control records and aborted transactions, and keep the committed ones of the same producer", () => {
		const log = Buffer.concat([
			stored([record("aborted")], { base: 0n, attributes: TRANSACTIONAL, producerId: 1n }),
			stored([record("plain")], { base: 1n }),
			stored([record("other")], { base: 2n, attributes: TRANSACTIONAL, producerId: 2n }),
			stored([record("abort marker")], { base: 3n, attributes: TRANSACTIONAL | CONTROL, producerId: 1n }),
			stored([record("committed")], { base: 4n, attributes: TRANSACTIONAL, producerId: 1n }),
			stored([record("commit marker")], { base: 5n, attributes: TRANSACTIONAL | CONTROL, producerId: 1n }),
		]);
		const reader = new BatchReader(log, [{ producerId: 1n, firstOffset: 0n }], 0n, -1);
		expect(texts(reader.take(10, 1000))).toEqual(["plain", "other", "committed"]);
		expect(reader.take(10, 1000)).toEqual([]);
		expect(reader.position).toBe(6n);
	});

	it("wait for the rest of a batch that was cut off, and remember the leader's epoch", () => {
		const whole = stored([record("a")], { base: 0n, epoch: 4 });
		const reader = new BatchReader(Buffer.concat([whole, stored([record("b")], { base: 1n }).subarray(0, 65)]), [], 0n, -1);
		expect(texts(reader.take(10, 1000))).toEqual(["a"]);
		expect(reader.done).toBe(true);
		expect(reader.epoch).toBe(4);
		expect(new BatchReader(whole.subarray(0, 20), [], 0n, -1).done).toBe(true);
	});

	it("refuse a damaged batch", () => {
		const batch = stored([record("a")], { base: 0n });
		batch.writeUInt8((batch.at(-1) ?? 0) ^ 1, batch.length - 1);
		expect(() => new BatchReader(batch, [], 0n, -1).take(1, 1)).toThrow(/checksum/);
	});

	it("take the broker's time where the topic says so", () => {
		const batch = stored([record("a", { timestamp: 5 })], { base: 0n, attributes: 8 });
		batch.writeBigInt64BE(1234n, 35);
		batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
		expect(new BatchReader(batch, [], 0n, -1).take(1, 100)[0]?.timestamp).toBe(1234);
	});

	it("are read in every compression of Kafka", () => {
		const plain = encodeBatch([record("hello hello hello hello")], PRODUCER, "none").subarray(61);
		const literal = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length, (60 << 2) | 0, bytes.length - 1]), bytes]);
		const framed = Buffer.concat([
			Buffer.from("82534e41505059000000000100000001", "hex"),
			Buffer.from([0, 0, 0, plain.length + 3]),
			literal(plain),
		]);
		const block = Buffer.alloc(4);
		block.writeUInt32LE((0x80000000 | plain.length) >>> 0);
		const lz4 = Buffer.concat([Buffer.from("04224d18604082", "hex"), block, plain, Buffer.alloc(4)]);
		for (const [attributes, content] of [
			[1, gzipSync(plain)],
			[2, literal(plain)],
			[2, framed],
			[3, lz4],
			[4, zstdCompressSync(plain)],
		] as const) {
			const batch = stored([record("x")], { base: 0n, attributes, content });
			expect(texts(new BatchReader(batch, [], 0n, -1).take(5, 1000))).toEqual(["hello hello hello hello"]);
		}
		expect(() => new BatchReader(stored([record("x")], { base: 0n, attributes: 7 }), [], 0n, -1).take(1, 1)).toThrow(/does not know/);
	});
});

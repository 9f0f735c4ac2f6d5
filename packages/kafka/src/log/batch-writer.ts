// Records → one record batch (magic 2), as Produce carries it.
import type { OutgoingRecord } from "@polylog/core/driver";
import { COMPRESSION_BITS, compress, type Compression } from "./compression.ts";
import { crc32c } from "./crc32c.ts";

const HEADER_BYTES = 61;
/** Where the checksum begins: after base offset, length, leader epoch, magic and the checksum itself. */
const CHECKED_FROM = 21;
/** What a record needs beside key, value and headers, at most: six varints of it, and its attributes. */
const RECORD_OVERHEAD = 36;
const HEADER_OVERHEAD = 10;

/** Recognizes a repeated batch: producer id, its epoch, and the number of the batch's first record. */
export interface BatchProducer {
	readonly id: bigint;
	readonly epoch: number;
	readonly sequence: number;
}

/** At most this many bytes in a batch, uncompressed. */
export function recordBound({ key, value, headers }: OutgoingRecord): number {
	let bytes = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
	// UTF-8 takes at most three bytes for each unit of a string.
	for (const [name, content] of headers)
		bytes += HEADER_OVERHEAD + name.length * 3 + content.length * (typeof content === "string" ? 3 : 1);
	return bytes;
}

export function encodeBatch(records: readonly OutgoingRecord[], producer: BatchProducer, compression: Compression): Buffer {
	let bound = HEADER_BYTES;
	for (const record of records) bound += recordBound(record);
	const bytes = Buffer.allocUnsafe(bound);
	const base = records[0]?.timestamp ?? 0;
	let latest = base;
	let at = HEADER_BYTES;
	for (let i = 0; i < records.length; i++) {
		const record = records[i] as OutgoingRecord;
		if (record.timestamp > latest) latest = record.timestamp;
		at = writeRecord(bytes, at, record, i, record.timestamp - base);
	}
	const content = compress(compression, bytes.subarray(HEADER_BYTES, at));
	const batch = compression === "none" ? bytes.subarray(0, at) : Buffer.concat([bytes.subarray(0, HEADER_BYTES), content]);
	batch.writeBigInt64BE(0n, 0);
	batch.writeInt32BE(batch.length - 12, 8);
	batch.writeInt32BE(-1, 12);
	batch.writeInt8(2, 16);
	batch.writeInt16BE(COMPRESSION_BITS[compression], CHECKED_FROM);
	batch.writeInt32BE(records.length - 1, 23);
	batch.writeBigInt64BE(BigInt(base), 27);
	batch.writeBigInt64BE(BigInt(latest), 35);
	batch.writeBigInt64BE(producer.id, 43);
	batch.writeInt16BE(producer.epoch, 51);
	batch.writeInt32BE(producer.sequence, 53);
	batch.writeInt32BE(records.length, 57);
	batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), 17);
	return batch;
}

function writeRecord(bytes: Buffer, start: number, { key, value, headers }: OutgoingRecord, index: number, timeDelta: number): number {
	const texts = headers.map(([name, content]): [Buffer, Uint8Array] => [
		Buffer.from(name),
		typeof content === "string" ? Buffer.from(content) : content,
	]);
	let length = 1 + varintBytes(timeDelta) + varintBytes(index) + sizeOf(key) + sizeOf(value ?? undefined) + varintBytes(texts.length);
	for (const [name, content] of texts) length += sizeOf(name) + sizeOf(content);
	let at = writeVarint(bytes, start, length);
	bytes[at++] = 0;
	at = writeVarint(bytes, at, timeDelta);
	at = writeVarint(bytes, at, index);
	at = writeBytes(bytes, at, key);
	at = writeBytes(bytes, at, value ?? undefined);
	at = writeVarint(bytes, at, texts.length);
	for (const [name, content] of texts) at = writeBytes(bytes, writeBytes(bytes, at, name), content);
	return at;
}

function sizeOf(content: Uint8Array | undefined): number {
	return content ? varintBytes(content.length) + content.length : 1;
}

function writeBytes(bytes: Buffer, start: number, content: Uint8Array | undefined): number {
	const at = writeVarint(bytes, start, content?.length ?? -1);
	if (!content) return at;
	bytes.set(content, at);
	return at + content.length;
}

/** Zigzag, for any integer a number holds exactly: differences of timestamps may pass 32 bits. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
	let rest = value < 0 ? -2 * value - 1 : 2 * value;
	let at = start;
	while (rest > 0x7f) {
		bytes[at++] = (rest % 128) | 0x80;
		rest = Math.floor(rest / 128);
	}
	bytes[at++] = rest;
	return at;
}

function varintBytes(value: number): number {
	let rest = value < 0 ? -2 * value - 1 : 2 * value;
	let bytes = 1;
	for (; rest > 0x7f; bytes++) rest = Math.floor(rest / 128);
	return bytes;
}

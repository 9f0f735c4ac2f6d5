// Records ⇄ AMQP messages. Pure, and total: whatever another program wrote reads as some record.
//
//   body                  the value             headers              the record's, as they are (header-mapping.ts)
//   x-polylog-key         the key's bytes       x-polylog-time       ms since 1970
//   x-polylog-key64       the same in base64, where they are no UTF-8: RabbitMQ 4 gives bytes in headers back as text
//   x-polylog-tombstone   true, with an empty body: there is no value
import { isUtf8 } from "node:buffer";
import type { OutgoingRecord, RawRecord } from "@polylog/core/driver";
import { PolylogError } from "@polylog/core/driver";
import type { ConsumeMessage, Options } from "amqplib";
import { type AmqpTable, hasHeaders, readHeaders, writeHeaders } from "./header-mapping.ts";

const KEY = "x-polylog-key";
const KEY64 = "x-polylog-key64";
const TIME = "x-polylog-time";
const TOMBSTONE = "x-polylog-tombstone";
const OFFSET = "x-stream-offset";
const EMPTY = Buffer.alloc(0);
/** amqplib writes headers and properties into 64 KiB, and one frame must hold them. */
const MAX_TABLE_BYTES = 60_000;

export interface AmqpMessage {
	readonly content: Buffer;
	readonly options: Options.Publish;
}

export function toMessage(record: OutgoingRecord, messageId: string): AmqpMessage {
	const headers = Object.create(null) as AmqpTable;
	headers[TIME] = record.timestamp;
	if (record.key !== undefined) writeKey(headers, asBuffer(record.key));
	if (record.value === null) headers[TOMBSTONE] = true;
	if (record.headers.length > 0) writeHeaders(headers, record.headers);
	if (tableBytes(headers) > MAX_TABLE_BYTES)
		throw new PolylogError("MESSAGE_TOO_LARGE", `key and headers of a message for RabbitMQ may have ${MAX_TABLE_BYTES} bytes in all`);
	return { content: record.value === null ? EMPTY : asBuffer(record.value), options: { mandatory: true, messageId, headers } };
}

export function toRecord(message: ConsumeMessage): RawRecord {
	const { properties, content } = message;
	const headers: AmqpTable = properties.headers ?? {};
	const tombstone = content.length === 0 && headers[TOMBSTONE] === true;
	return {
		offset: offsetOf(message),
		key: readKey(headers),
		value: tombstone ? null : content,
		headers: hasHeaders(headers) ? readHeaders(headers) : [],
		timestamp: readTime(headers[TIME]) ?? seconds(properties.timestamp) ?? 0,
	};
}

function writeKey(headers: AmqpTable, key: Buffer): void {
	headers[KEY] = key;
	if (!isUtf8(key)) headers[KEY64] = key.toString("base64");
}

function readKey(headers: AmqpTable): Buffer | undefined {
	const key = headers[KEY];
	if (Buffer.isBuffer(key)) return key;
	if (typeof key !== "string") return undefined;
	const exact = headers[KEY64];
	return typeof exact === "string" ? Buffer.from(exact, "base64") : Buffer.from(key);
}

/** Where a message stands in its stream. A queue that is not a stream must not be read: reading empties it. */
export function offsetOf({ properties, fields }: ConsumeMessage): bigint {
	const offset: unknown = properties.headers?.[OFFSET];
	if (typeof offset === "number") return BigInt(offset);
	throw new PolylogError("UNSUPPORTED", `the queue "${fields.routingKey}" is not a stream: its messages have no offset`);
}

function tableBytes(table: AmqpTable): number {
	let bytes = 0;
	for (const name in table) {
		const value = table[name];
		bytes += 20 + 3 * name.length + (typeof value === "string" ? 3 * value.length : Buffer.isBuffer(value) ? value.length : 8);
		if (bytes > MAX_TABLE_BYTES && typeof value === "string") bytes += Buffer.byteLength(value) - 3 * value.length;
	}
	return bytes;
}

export function recordBytes(record: RawRecord): number {
	let bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0);
	for (const [name, value] of record.headers) bytes += name.length + value.length;
	return bytes;
}

function readTime(value: unknown): number | undefined {
	const time = typeof value === "string" && value !== "" ? Number(value) : value;
	return typeof time === "number" && Number.isFinite(time) ? time : undefined;
}

/** AMQP's own timestamp. */
function seconds(value: unknown): number | undefined {
	return typeof value === "number" && Number.isFinite(value) ? value * 1000 : undefined;
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// Packs a batch of records into one script argument: MessagePack, which Redis' Lua unpacks in one call.
//
// Thousands of separate arguments cost more in the client, on the wire and in Redis' parser than the appending itself
// (measured: 1,000 records of 200 B at 95 k/s as arguments, 150 k/s packed, 60 k/s as pipelined XADD).
import { PolylogError } from "@polylog/core/driver";
import type { StreamField } from "./message-mapping.ts";

const ARRAY_32 = 0xdd;
const STRING_32 = 0xdb;
const PREFIX_BYTES = 5;
/** Lua's `unpack` fails at 8,000 values, and must not fail in the middle of a batch. */
const MAX_FIELDS = 4000;

export function packBatch(records: readonly (readonly StreamField[])[]): Buffer {
	const buffer = Buffer.allocUnsafe(packedBytes(records));
	let at = writePrefix(buffer, 0, ARRAY_32, records.length);
	for (const fields of records) {
		at = writePrefix(buffer, at, ARRAY_32, fields.length);
		for (const field of fields) at = writeField(buffer, at, field);
	}
	return buffer;
}

function packedBytes(records: readonly (readonly StreamField[])[]): number {
	let bytes = PREFIX_BYTES;
	for (const fields of records) {
		if (fields.length > MAX_FIELDS)
			throw new PolylogError(
				"MESSAGE_TOO_LARGE",
				`a record for Redis may have ${MAX_FIELDS / 2} fields, not ${fields.length / 2}: send fewer headers`,
			);
		bytes += PREFIX_BYTES;
		for (const field of fields) bytes += PREFIX_BYTES + (typeof field === "string" ? Buffer.byteLength(field) : field.length);
	}
	return bytes;
}

function writePrefix(buffer: Buffer, at: number, type: number, length: number): number {
	buffer[at] = type;
	return buffer.writeUInt32BE(length, at + 1);
}

function writeField(buffer: Buffer, at: number, field: StreamField): number {
	const start = at + PREFIX_BYTES;
	if (typeof field === "string") {
		const length = buffer.write(field, start);
		writePrefix(buffer, at, STRING_32, length);
		return start + length;
	}
	writePrefix(buffer, at, STRING_32, field.length);
	buffer.set(field, start);
	return start + field.length;
}

// Records ⇄ the fields of a stream entry. Pure, and total: whatever another program wrote reads as some record.
//
//   value, key   the bytes            tombstone   stands in for `value` where there is none
//   time         ms since 1970        h:NAME      one for each header, in order; a name may repeat
//
// The order of fields is fixed, since Redis stores entries with the same fields in the same order more compactly.
import { isUtf8 } from "node:buffer";
import type { OutgoingRecord, RawRecord } from "@polylog/core/driver";
import { offsetOfId, timeOfId } from "./offset-mapping.ts";

export type StreamField = string | Uint8Array;
/** As ioredis gives it: the id, and names and values in turn. */
export type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[]];

const HEADER = "h:";
const VALUE = Buffer.from("value");
const KEY = Buffer.from("key");
const TIME = Buffer.from("time");
const TOMBSTONE = Buffer.from("tombstone");

export function toFields(record: OutgoingRecord): StreamField[] {
	const fields: StreamField[] = record.value === null ? ["tombstone", "1"] : ["value", record.value];
	if (record.key !== undefined) fields.push("key", record.key);
	fields.push("time", String(record.timestamp));
	for (const [name, value] of record.headers) fields.push(HEADER + name, value);
	return fields;
}

export function toRecord([rawId, fields]: StreamEntry): RawRecord {
	const id = rawId.toString("latin1");
	let value: Buffer | null | undefined;
	let key: Buffer | undefined;
	let time: number | undefined;
	let tombstone = false;
	let headers: [string, string | Uint8Array][] | undefined;
	for (let at = 0; at < fields.length; at += 2) {
		const name = fields[at];
		const bytes = fields[at + 1];
		if (name === undefined || bytes === undefined) break;
		if (same(name, VALUE)) value = bytes;
		else if (same(name, KEY)) key = bytes;
		else if (same(name, TIME)) time = parseTime(bytes);
		else if (same(name, TOMBSTONE)) tombstone = true;
		// Fields of others' beside a `value` are kept as headers: better than losing them.
		else (headers ??= []).push([headerName(name), text(bytes)]);
	}
	const timestamp = time ?? timeOfId(id) ?? 0;
	if (value === undefined && !tombstone) return foreignRecord(id, fields, { key, timestamp });
	return { offset: offsetOfId(id), key, value: value ?? null, headers: headers ?? [], timestamp };
}

/** An entry of another program: a JSON object of all its fields, as text. */
function foreignRecord(id: string, fields: readonly Buffer[], parts: Pick<RawRecord, "key" | "timestamp">): RawRecord {
	const texts = fields.map(String);
	const pairs = texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1] ?? ""] as const] : []));
	const headers = pairs.flatMap(([name, value]) => (name.startsWith(HEADER) ? [[name.slice(HEADER.length), value] as const] : []));
	// fromEntries defines own properties, so a field named __proto__ is only a field.
	return { ...parts, offset: offsetOfId(id), value: Buffer.from(JSON.stringify(Object.fromEntries(pairs))), headers };
}

/** For names of a few bytes: quicker than a string of each, or a call of `equals`. */
function same(name: Buffer, known: Buffer): boolean {
	if (name.length !== known.length) return false;
	for (let at = 0; at < known.length; at++) if (name[at] !== known[at]) return false;
	return true;
}

function headerName(bytes: Buffer): string {
	const name = bytes.toString();
	return name.startsWith(HEADER) ? name.slice(HEADER.length) : name;
}

/** Redis keeps bytes only: what is valid UTF-8 comes back as text. */
function text(bytes: Buffer): string | Buffer {
	return isUtf8(bytes) ? bytes.toString() : bytes;
}

function parseTime(bytes: Buffer): number | undefined {
	const time = Number(bytes.toString("latin1"));
	return bytes.length > 0 && Number.isFinite(time) ? time : undefined;
}

export function recordBytes(record: RawRecord): number {
	let bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0);
	for (const [name, value] of record.headers) bytes += name.length + value.length;
	return bytes;
}

// A record's headers ⇄ an AMQP table. Pure.
//
// A table has no order and no repeated names (RabbitMQ sorts it; amqplib reads it into an object), and some names mean
// something to the broker. What a table cannot say is said in `x-polylog-headers`: JSON, one item per header in order,
// which is its name where the table has its value, and [name, text] or [name, null, base64] where it has not.
import { isUtf8 } from "node:buffer";
import type { RawHeaders } from "@polylog/core/driver";

export const ORDER_HEADER = "x-polylog-headers";
/** Names of our own and of streams. */
const RESERVED = /^x-(?:polylog-|stream-)/;
/** RabbitMQ routes by the first two; the third is no ordinary property of an object. */
const SPECIAL = new Set(["CC", "BCC", "__proto__", ""]);
const MAX_NAME_BYTES = 128;
/** More is not ours, or hostile. */
const MAX_HEADERS = 10_000;

export type AmqpTable = Record<string, unknown>;
type Item = string | readonly [string, string] | readonly [string, null, string];

export function writeHeaders(table: AmqpTable, headers: RawHeaders): void {
	const items: Item[] = [];
	let plain = true;
	let previous: string | undefined;
	for (const [name, value] of headers) {
		const fits = inTable(table, name, value);
		// RabbitMQ 4 gives bytes back as text: other programs find them in the table all the same.
		const item = fits && (typeof value === "string" || isUtf8(value)) ? name : apart(name, value);
		plain &&= item === name && (previous === undefined || previous < name) && !/^\d/.test(name);
		previous = name;
		if (fits) table[name] = typeof value === "string" ? value : asBuffer(value);
		items.push(item);
	}
	if (!plain) table[ORDER_HEADER] = JSON.stringify(items);
}

export function readHeaders(table: AmqpTable): RawHeaders {
	const order = table[ORDER_HEADER];
	const ordered = typeof order === "string" || Buffer.isBuffer(order) ? readOrdered(String(order), table) : undefined;
	if (ordered) return ordered;
	const names = Object.keys(table).filter((name) => !RESERVED.test(name));
	return names.sort().map((name) => [name, readValue(table[name])]);
}

/** Whether a table has headers of the application's at all: most have none, and this is asked of each record. */
export function hasHeaders(table: AmqpTable): boolean {
	if (ORDER_HEADER in table) return true;
	for (const name in table) if (!RESERVED.test(name)) return true;
	return false;
}

/** Whether the table can hold it and give it back. */
function inTable(table: AmqpTable, name: string, value: string | Uint8Array): boolean {
	if (name in table || SPECIAL.has(name) || RESERVED.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES) return false;
	return typeof value !== "string" || !value.includes("\0");
}

function apart(name: string, value: string | Uint8Array): Item {
	return typeof value === "string" ? [name, value] : [name, null, asBuffer(value).toString("base64")];
}

/** `undefined` if it is not what `writeHeaders` writes: then the table is all there is. */
function readOrdered(text: string, table: AmqpTable): RawHeaders | undefined {
	let items: unknown;
	try {
		items = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (!Array.isArray(items) || items.length > MAX_HEADERS) return undefined;
	const headers: [string, string | Uint8Array][] = [];
	for (const item of items as unknown[]) {
		if (typeof item === "string" && Object.hasOwn(table, item)) headers.push([item, readValue(table[item])]);
		else if (!Array.isArray(item) || typeof item[0] !== "string") return undefined;
		else if (typeof item[1] === "string") headers.push([item[0], item[1]]);
		else if (typeof item[2] === "string") headers.push([item[0], Buffer.from(item[2], "base64")]);
		else return undefined;
	}
	return headers;
}

/** Other clients send numbers, truth values, times and tables too: as text. */
function readValue(value: unknown): string | Uint8Array {
	if (typeof value === "string" || Buffer.isBuffer(value)) return value;
	if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
	if (value === null || value === undefined) return "";
	if (typeof value === "object" && "!" in value && "value" in value && typeof value.value === "number") return String(value.value);
	return JSON.stringify(value) ?? "";
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

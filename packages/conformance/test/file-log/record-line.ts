// A record as a line of JSON, and back.
import type { OutgoingRecord, RawRecord } from "@polylog/core/driver";
import type { Line } from "./line-file.ts";

/** A header's value is text, or bytes in a list of one. */
type Stored = readonly [time: number, key: string | null, value: string | null, ...headers: (readonly [string, string | [string]])[]];

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));

export function lineOf({ timestamp, key, value, headers }: OutgoingRecord): string {
	const stored: Stored = [
		timestamp,
		key === undefined ? null : base64(key),
		value === null ? null : base64(value),
		...headers.map(([name, value]) => [name, typeof value === "string" ? value : [base64(value)]] as [string, string | [string]]),
	];
	return JSON.stringify(stored);
}

export function recordOf({ at, text }: Line): RawRecord {
	const [timestamp, key, value, ...headers] = JSON.parse(text) as Stored;
	return {
		offset: BigInt(at),
		timestamp,
		key: key === null ? undefined : bytes(key),
		value: value === null ? null : bytes(value),
		headers: headers.map(([name, value]) => [name, typeof value === "string" ? value : bytes(value[0])] as const),
	};
}

import { murmur2 } from "../murmur2.ts";
import type { OutgoingRecord } from "./record.ts";

/** A short fingerprint of a record's content (key, value, timestamp): tells a log that was made again from the old one. */
export function recordDigest(record: OutgoingRecord): string {
	const value = record.value === null ? "-" : murmur2(record.value).toString(16);
	const key = record.key === undefined ? "-" : murmur2(record.key).toString(16);
	return `${value}.${key}.${record.timestamp.toString(36)}`;
}

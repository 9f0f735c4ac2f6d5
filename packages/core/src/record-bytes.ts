import type { OutgoingRecord } from "./driver/record.ts";

/** The size of a record as limits and buffers count it: key, value and headers, plus a little for each header. */
export function recordBytes(record: OutgoingRecord): number {
	let bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 16;
	for (const [name, value] of record.headers) bytes += name.length + value.length + 8;
	return bytes;
}

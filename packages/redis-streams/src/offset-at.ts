// The offset of the first record at or after a time, by bisection: right where times do not decrease.
import type { Offset } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { readRecords } from "./entry-reading.ts";
import { idAtOrAbove } from "./offset-mapping.ts";
import { readPlace } from "./scripts/place.ts";
import type { PartitionKeys } from "./topology.ts";

/** Undefined if there is no such partition. */
export async function findOffsetAt(client: Redis, keys: PartitionKeys, timestampMs: number): Promise<Offset | undefined> {
	const { exists, earliest, end } = await readPlace(client, keys);
	if (!exists) return undefined;
	// Invariant: records below `low` are before the time, those at or above `high` are not.
	let low = earliest;
	let high = end;
	while (low < high) {
		const middle = (low + high) / 2n;
		const record = await firstAt(client, keys.stream, middle);
		if (record && record.offset < high && record.timestamp < timestampMs) low = record.offset + 1n;
		else high = middle;
	}
	const record = await firstAt(client, keys.stream, low);
	return record?.offset ?? end;
}

async function firstAt(client: Redis, stream: string, offset: Offset) {
	const [record] = await readRecords(client, stream, idAtOrAbove(offset), 1);
	return record;
}

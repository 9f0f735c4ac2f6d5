// A partition's record batches, as the broker has them: for tests of what readers are given.
import type { Driver } from "@polylog/core/driver";
import type { KafkaNative } from "../src/index.ts";
import { fetchRequest } from "../src/wire/api/fetch.ts";
import { metadataRequest } from "../src/wire/api/metadata.ts";

/** In a record batch. */
const LAST_OFFSET_DELTA_AT = 23;

/** All of partition 0. An answer never holds more than a segment. */
export async function allBatches(driver: Driver, topic: string): Promise<Buffer[]> {
	const all: Buffer[] = [];
	for (;;) {
		const last = all.at(-1);
		const from = last ? last.readBigInt64BE(0) + BigInt(last.readInt32BE(LAST_OFFSET_DELTA_AT)) + 1n : 0n;
		const batches = await storedBatches(driver, topic, 1_000_000, from);
		if (batches.length === 0) return all;
		all.push(...batches);
	}
}

/** What one answer to a fetch of partition 0 holds. */
export async function storedBatches(driver: Driver, topic: string, maxBytes = 1_000_000, offset = 0n): Promise<Buffer[]> {
	const native = driver.native() as KafkaNative;
	const [described] = (await native.send(metadataRequest([topic]))).topics;
	if (!described) throw new Error(`there is no topic ${topic}`);
	const want = { topicId: described.id, index: 0, leaderEpoch: -1, offset, lastEpoch: -1, maxBytes };
	const request = fetchRequest([want], { maxWaitMs: 100, maxBytes, committedOnly: true });
	const bytes = (await native.send(request, described.partitions[0]?.leader)).partitions[0]?.records ?? Buffer.alloc(0);
	const batches: Buffer[] = [];
	for (let at = 0; at + 12 <= bytes.length;) {
		const end = at + 12 + bytes.readInt32BE(at + 8);
		if (end <= bytes.length) batches.push(bytes.subarray(at, end));
		at = end;
	}
	return batches;
}

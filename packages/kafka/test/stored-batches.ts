// A partition's record batches, as the broker has them: for tests of what readers are given.
import type { Driver } from "@polylog/core/driver";
import type { KafkaNative } from "../src/index.ts";
import { fetchRequest } from "../src/wire/api/fetch.ts";
import { metadataRequest } from "../src/wire/api/metadata.ts";

/** What one answer to a fetch of partition 0 from the beginning holds. */
export async function storedBatches(driver: Driver, topic: string, maxBytes = 1_000_000): Promise<Buffer[]> {
	const native = driver.native() as KafkaNative;
	const [described] = (await native.send(metadataRequest([topic]))).topics;
	if (!described) throw new Error(`there is no topic ${topic}`);
	const want = { topicId: described.id, index: 0, leaderEpoch: -1, offset: 0n, lastEpoch: -1, maxBytes };
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

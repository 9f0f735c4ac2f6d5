// Where a newly owned partition starts: at the committed offset, once the log is proven to be the one that was committed to.
import type { Backend } from "../backend.ts";
import { partitionContext } from "../partition-context.ts";
import type { Reader } from "../driver/driver.ts";
import type { CommittedOffset } from "../driver/group-session.ts";
import { offsetOutOfRange } from "../driver/out-of-range.ts";
import { recordDigest } from "../driver/record-digest.ts";
import type { RawRecord } from "../driver/record.ts";
import { isPolylogError } from "../errors.ts";
import { type Partition, partitionKey } from "../partition.ts";

/** Just the one record. */
const PROBE = { records: 1, bytes: 1 };

/**
 * Proves that `committed` still is a place in the log, and returns a reader that stands there.
 *
 * The last processed record must exist unchanged, as long as it is retained: a log that was cut back or made again
 * has another record there, or none. Throws OFFSET_OUT_OF_RANGE otherwise. What remains unseen: a topic made again
 * whose retention has already removed the record at that offset, and a lost tail of which producers send again just that
 * record to just that offset (docs/simulation.md).
 */
export async function readerAt(backend: Backend, partition: Partition, committed: CommittedOffset, signal: AbortSignal): Promise<Reader> {
	const { last } = committed;
	const { earliest, end } = await backend.describePartition(partition);
	const refuse = (why: string) => offsetOutOfRange(partition, { requested: committed.offset, earliest, end }, why);
	if (committed.offset < earliest) throw refuse("retention removed it");
	if (committed.offset > end) throw refuse("it lies beyond the end: the log was cut back or made again");
	if (!last || last.offset < earliest) return backend.driver.openReader(partition, committed.offset);
	const reader = backend.driver.openReader(partition, last.offset);
	try {
		const doing = `checking ${partitionKey(partition)} at offset ${last.offset}`;
		const look = () => backend.attempt(doing, () => reader.fetch(PROBE, signal), partitionContext(partition));
		let record: RawRecord | undefined;
		for (;;) {
			[record] = await look();
			// Empty is no answer while the reader still stands there.
			if (record || reader.position > last.offset) break;
			await backend.clock.yield();
		}
		if (record?.offset === last.offset) {
			if (recordDigest(record) === last.digest) return reader;
			throw refuse(
				`another record stands at offset ${last.offset} than the group processed there: the topic was made again or lost its end`,
			);
		}
		// Gone by itself (compaction, a deleted entry), or by retention since it was described.
		await reader.close();
		return backend.driver.openReader(partition, committed.offset);
	} catch (error) {
		await reader.close().catch(() => {});
		if (
			isPolylogError(error, "OFFSET_OUT_OF_RANGE") &&
			error.context.requested === last.offset &&
			error.context.earliest !== undefined &&
			error.context.earliest > last.offset &&
			error.context.earliest <= committed.offset
		) {
			return backend.driver.openReader(partition, committed.offset);
		}
		throw error;
	}
}

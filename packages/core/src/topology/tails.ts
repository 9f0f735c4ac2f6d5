// Who sent the last messages of a partition, by the headers that members of producer groups leave on them.
import type { Backend } from "../backend.ts";
import type { PartitionDescription } from "../driver/driver.ts";
import type { RawRecord } from "../driver/record.ts";
import { isPolylogError } from "../errors.ts";
import { readHeaders } from "../headers.ts";
import type { Partition } from "../partition.ts";
import { partitionContext } from "../partition-context.ts";
import { partitionKey } from "../partition.ts";
import { PRODUCER_GROUP_HEADER, PRODUCER_HEADER } from "../producer/producer-group.ts";

const MOST_BYTES = 1024 * 1024;

export interface Sender {
	readonly group: string | null;
	readonly members: readonly string[];
	readonly messages: number;
	readonly lastMs: number;
}

export interface PartitionTail {
	readonly partition: Partition;
	readonly senders: readonly Sender[];
}

/** Reads the last `count` offsets: fewer messages where offsets have gaps. */
export async function readTail(backend: Backend, description: PartitionDescription, count: number): Promise<PartitionTail> {
	const { topic, index, earliest, end } = description;
	const partition = { topic, index };
	if (end <= earliest) return { partition, senders: [] };
	const from = end - BigInt(count);
	const reader = backend.driver.openReader(partition, from < earliest ? earliest : from);
	try {
		const doing = `reading the end of ${partitionKey(partition)}`;
		const fetch = () => reader.fetch({ records: count, bytes: MOST_BYTES });
		return { partition, senders: sendersOf(await backend.attempt(doing, fetch, partitionContext(partition))) };
	} catch (error) {
		// Retention has just overtaken it.
		if (isPolylogError(error, "OFFSET_OUT_OF_RANGE")) return { partition, senders: [] };
		throw error;
	} finally {
		await reader.close().catch(() => {});
	}
}

function sendersOf(records: readonly RawRecord[]): Sender[] {
	const groups = Map.groupBy(records, (record) => readHeaders(record.headers).get(PRODUCER_GROUP_HEADER) ?? null);
	return [...groups].map(([group, sent]) => ({
		group,
		members: [...new Set(sent.map((record) => readHeaders(record.headers).get(PRODUCER_HEADER)))].filter((member) => member !== undefined),
		messages: sent.length,
		lastMs: Math.max(...sent.map(({ timestamp }) => timestamp)),
	}));
}

// How far behind a group is: what is committed, compared with what the log holds.
import type { GroupLag, PartitionLag } from "../api/consumer-group.ts";
import type { Backend } from "../backend.ts";
import { partitionContext } from "../partition-context.ts";
import type { PartitionDescription } from "../driver/driver.ts";
import { isPolylogError } from "../errors.ts";
import type { Offset, Position } from "../offset.ts";
import { partitionKey } from "../partition.ts";
import type { PartitionMap } from "../partition-map.ts";

/** One record, to learn its age. */
const ONE = { records: 1, bytes: 1 };

/** `committed` must have been read before this asks for the ends, so that no end is older than a commit. */
export async function groupLag(
	backend: Backend,
	topics: readonly string[],
	committed: PartitionMap<Offset>,
	from: Position,
): Promise<GroupLag> {
	const described = await Promise.all(topics.map((topic) => backend.describeTopic(topic)));
	const partitions = await Promise.all(
		described
			.flatMap((topic) => topic?.partitions ?? [])
			.map((partition) => partitionLag(backend, partition, committed.get(partition), from)),
	);
	const ages = partitions.map((partition) => partition.ageMs).filter((age) => age !== undefined);
	const unknown = partitions.length === 0 || partitions.some((partition) => partition.lag === undefined);
	return {
		partitions,
		total: unknown ? undefined : partitions.reduce((sum, partition) => sum + (partition.lag ?? 0n), 0n),
		maxAgeMs: ages.length === 0 ? undefined : Math.max(...ages),
	};
}

async function partitionLag(
	backend: Backend,
	description: PartitionDescription,
	committed: Offset | undefined,
	from: Position,
): Promise<PartitionLag> {
	const { earliest, end, records } = description;
	const partition = { topic: description.topic, index: description.index };
	const start = committed ?? (from === "earliest" ? earliest : undefined);
	const lag = start === undefined || start > end ? undefined : lagFrom(start < earliest ? earliest : start, end, records);
	return {
		partition,
		committed,
		earliest,
		end,
		lag,
		ageMs: lag && start !== undefined ? await ageAt(backend, description, start) : undefined,
	};
}

/** 0 exactly when drained; else the distance, but never more than is retained (offsets may have wide gaps). */
function lagFrom(start: Offset, end: Offset, records: number | undefined): bigint {
	const distance = end - start;
	return records !== undefined && records > 0 && BigInt(records) < distance ? BigInt(records) : distance;
}

async function ageAt(backend: Backend, { earliest, ...partition }: PartitionDescription, start: Offset): Promise<number | undefined> {
	const reader = backend.driver.openReader(partition, start < earliest ? earliest : start);
	try {
		const [oldest] = await backend.attempt(`reading ${partitionKey(partition)}`, () => reader.fetch(ONE), partitionContext(partition));
		return oldest && Math.max(0, backend.clock.wall() - oldest.timestamp);
	} catch (error) {
		// Retention has just overtaken it: its age cannot be told.
		if (isPolylogError(error, "OFFSET_OUT_OF_RANGE")) return undefined;
		throw error;
	} finally {
		await reader.close().catch(() => {});
	}
}

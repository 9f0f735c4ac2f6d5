// Moves a group's committed offsets, and says what that skips or repeats.
import type { ResetOptions, ResetReport } from "../api/consumer-group.ts";
import type { Backend } from "../backend.ts";
import type { GroupCoordinator } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import type { Offset, Position } from "../offset.ts";
import type { Partition } from "../partition.ts";
import type { PartitionMap } from "../partition-map.ts";

export interface ResetRequest {
	readonly backend: Backend;
	readonly coordinator: GroupCoordinator;
	readonly group: string;
	readonly topics: readonly string[];
	readonly committed: PartitionMap<Offset>;
	readonly active: boolean;
}

export async function resetGroup(request: ResetRequest, to: Position, options: ResetOptions): Promise<ResetReport> {
	const { backend, coordinator, group, committed } = request;
	const foreign = options.partitions?.find(({ topic }) => !request.topics.includes(topic));
	if (foreign) throw new RangeError(`${foreign.topic} is not a topic of group ${group}`);
	const partitions = options.partitions ?? (await allPartitions(backend, request.topics));
	const moves = await Promise.all(
		partitions.map(async (partition) => {
			const offset = await backend.resolve(partition, to);
			const { earliest, end } = await backend.describePartition(partition);
			const from = committed.get(partition);
			const stood = from === undefined || from < earliest ? earliest : from > end ? end : from;
			return {
				partition,
				from,
				to: offset,
				skipped: offset > stood ? offset - stood : 0n,
				repeated: from !== undefined && offset < stood ? stood - offset : 0n,
			};
		}),
	);
	const force = options.force ?? false;
	if (options.dryRun) return { applied: false, partitions: moves };
	if (request.active && !force) {
		throw new PolylogError("GROUP_ACTIVE", `group ${group} has members: stop them before a reset, or pass force to fence them`, { group });
	}
	await backend.attempt(
		`resetting group ${group}`,
		() =>
			coordinator.reset(
				group,
				moves.map((move) => [move.partition, move.to] as const),
				{ force },
			),
		{ group },
	);
	return { applied: true, partitions: moves };
}

async function allPartitions(backend: Backend, topics: readonly string[]): Promise<Partition[]> {
	const described = await Promise.all(topics.map((topic) => backend.describeExisting(topic)));
	return described.flatMap((topic) => topic.partitions).map(({ topic, index }) => ({ topic, index }));
}

import type { AssignmentRequest } from "../../driver/group-session.ts";
import type { Partition } from "../../partition.ts";

/** Every partition of the request, by topic and then index. */
export function allPartitions({ topics }: AssignmentRequest): Partition[] {
	return [...topics]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.flatMap(([topic, count]) => Array.from({ length: count }, (_, index) => ({ topic, index })));
}

// One ownership of one partition, as the member sees it.
import { type Commit, type Partition, partitionKey, PolylogError } from "@polylog/core/driver";

/**
 * - `preparing`: assigned, its committed offset is being looked up; the listener has not heard of it
 * - `active`: granted
 * - `revoking`: the listener is giving it up, and may still commit
 * - `gone`: somebody else's, or will be
 */
export type HoldingPhase = "preparing" | "active" | "revoking" | "gone";

export interface Holding {
	readonly partition: Partition;
	readonly key: string;
	fence: bigint;
	phase: HoldingPhase;
}

export function newHolding(partition: Partition): Holding {
	return { partition, key: partitionKey(partition), fence: -1n, phase: "preparing" };
}

export function fenced({ partition, fence }: Pick<Commit, "partition" | "fence">): PolylogError {
	const { topic, index } = partition;
	return new PolylogError("FENCED", `${partitionKey(partition)} moved on: a commit under fence ${fence} does not count`, {
		topic,
		partition: index,
	});
}

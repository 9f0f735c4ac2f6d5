import type { GroupMember, GroupSnapshot } from "../driver/group-session.ts";
import { parsePartitionKey } from "../partition.ts";
import { fenceOf, type GroupState, membersByRank } from "./state.ts";

/** A copy of what matters to whoever looks at a group from outside. */
export function describeState(group: string, state: GroupState): GroupSnapshot {
	const partitions = new Map<string, GroupMember["partitions"][number][]>();
	for (const [key, owner] of state.owner) {
		const held = { partition: parsePartitionKey(key), fence: fenceOf(state, owner) };
		const list = partitions.get(owner.member);
		if (list) list.push(held);
		else partitions.set(owner.member, [held]);
	}
	return {
		group,
		generation: BigInt(state.planned),
		coordinator: "journal",
		members: membersByRank(state).map(([id, { clientId, instanceId, topics }]) => ({
			id,
			clientId,
			instanceId,
			topics,
			partitions: partitions.get(id) ?? [],
		})),
		committed: [...state.offsets].map(([key, { offset, last }]) => [parsePartitionKey(key), { offset, last }] as const),
	};
}

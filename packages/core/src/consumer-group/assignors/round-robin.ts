// Deals all partitions of all topics in turn.
import type { Assignor } from "../../driver/group-session.ts";
import type { Partition } from "../../partition.ts";
import { allPartitions } from "./partitions.ts";

/** If all members have the same topics, they are at most one partition apart over all of them; a join or leave moves many. */
export const roundRobinAssignor: Assignor = {
	name: "round-robin",
	assign(request) {
		const assigned = new Map<string, Partition[]>(request.members.map(({ id }) => [id, []]));
		let turn = 0;
		for (const partition of allPartitions(request)) {
			for (let step = 0; step < request.members.length; step++) {
				const member = request.members[(turn + step) % request.members.length];
				if (!member?.topics.includes(partition.topic) || request.excluded(member.id, partition)) continue;
				assigned.get(member.id)?.push(partition);
				turn = turn + step + 1;
				break;
			}
		}
		return assigned;
	},
};

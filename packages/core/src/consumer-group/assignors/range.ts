// Cuts each topic into one run of neighbouring partitions per member, so that equal indexes of several topics meet.
import type { AssignmentRequest, Assignor } from "../../driver/group-session.ts";
import type { Partition } from "../../partition.ts";

/** Per topic, members are at most one partition apart; the first in order of joining get the larger runs. */
export const rangeAssignor: Assignor = {
	name: "range",
	assign(request) {
		const assigned = new Map<string, Partition[]>(request.members.map(({ id }) => [id, []]));
		for (const [topic, count] of request.topics) {
			const members = request.members.filter(({ topics }) => topics.includes(topic)).map(({ id }) => id);
			for (let index = 0; index < count; index++) {
				const id = memberAt(request, members, { topic, index }, count);
				if (id !== undefined) assigned.get(id)?.push({ topic, index });
			}
		}
		return assigned;
	},
};

function memberAt(request: AssignmentRequest, members: readonly string[], partition: Partition, count: number): string | undefined {
	const least = Math.floor(count / members.length);
	const larger = count % members.length;
	const inLarger = partition.index < larger * (least + 1);
	const place = inLarger
		? Math.floor(partition.index / (least + 1))
		: larger + Math.floor((partition.index - larger * (least + 1)) / least);
	// Where its own may not take it, the next one does.
	for (let step = 0; step < members.length; step++) {
		const id = members[(place + step) % members.length];
		if (id !== undefined && !request.excluded(id, partition)) return id;
	}
	return undefined;
}

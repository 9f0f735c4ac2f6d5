// From the state to a question for the assignor, and from its answer to a plan. An answer that makes no sense is an error
// of the assignor, told with its name; it never becomes a plan.
import type { AssignmentRequest, Assignor } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import { type Partition, parsePartitionKey, partitionKey } from "../partition.ts";
import type { GroupEvent } from "./entry.ts";
import { type GroupState, membersByRank, type PartitionKey } from "./state.ts";

type PlanEvent = GroupEvent & { readonly type: "plan" };

/** The plan for `epoch` with these partition counts. CONFIG_INVALID if the assignor fails or answers nonsense. */
export function makePlan(state: GroupState, topics: ReadonlyMap<string, number>, epoch: number, assignor: Assignor): PlanEvent {
	const request = requestOf(state, topics);
	const assigned: [PartitionKey, string][] = [];
	const taken = new Set<PartitionKey>();
	for (const [member, partitions] of ask(assignor, request)) {
		const subscribed = state.members.get(member)?.topics;
		if (!subscribed) throw nonsense(assignor, `it names the member "${member}", which the group does not have`);
		for (const partition of partitions) {
			const key = partitionKey(partition);
			const count = topics.get(partition.topic) ?? 0;
			if (!subscribed.includes(partition.topic))
				throw nonsense(assignor, `it gives ${key} to "${member}", which did not subscribe to that topic`);
			if (!(Number.isSafeInteger(partition.index) && partition.index >= 0 && partition.index < count))
				throw nonsense(assignor, `it gives away ${key}, but the topic has ${count} partitions`);
			if (taken.has(key)) throw nonsense(assignor, `it gives ${key} away twice`);
			if (state.barred.get(key)?.has(member)) throw nonsense(assignor, `it gives ${key} to "${member}", which is excluded from it`);
			taken.add(key);
			assigned.push([key, member]);
		}
	}
	return { type: "plan", epoch, assigned };
}

function requestOf(state: GroupState, topics: ReadonlyMap<string, number>): AssignmentRequest {
	const owned = new Map<string, Partition[]>([...state.members.keys()].map((id) => [id, []]));
	for (const [key, member] of state.target) owned.get(member)?.push(parsePartitionKey(key));
	const subscribed = new Set([...state.members.values()].flatMap((member) => member.topics));
	return {
		members: membersByRank(state).map(([id, { topics }]) => ({ id, topics, owned: owned.get(id) ?? [] })),
		topics: new Map([...topics].filter(([topic]) => subscribed.has(topic)).sort(([a], [b]) => (a < b ? -1 : 1))),
		excluded: (member, partition) => state.barred.get(partitionKey(partition))?.has(member) === true,
	};
}

function ask(assignor: Assignor, request: AssignmentRequest): ReadonlyMap<string, readonly Partition[]> {
	let answer: unknown;
	try {
		answer = assignor.assign(request);
		if (answer instanceof Map) return answer;
	} catch (error) {
		throw nonsense(assignor, "it threw", error);
	}
	throw nonsense(assignor, "it did not return a Map of member ids to partitions");
}

function nonsense(assignor: Assignor, what: string, cause?: unknown): PolylogError {
	return new PolylogError("CONFIG_INVALID", `the assignor "${assignor.name}" cannot be used: ${what}; correct it, or use a built-in one`, {
		cause,
	});
}

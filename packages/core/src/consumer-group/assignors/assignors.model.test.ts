import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AssignmentRequest, Assignor } from "../../driver/group-session.ts";
import { type Partition, partitionKey } from "../../partition.ts";
import { rangeAssignor } from "./range.ts";
import { roundRobinAssignor } from "./round-robin.ts";
import { stickyAssignor } from "./sticky.ts";

type Members = readonly { readonly id: string; readonly topics: readonly string[] }[];
type Assignment = ReadonlyMap<string, readonly Partition[]>;

const ALL = [rangeAssignor, roundRobinAssignor, stickyAssignor];

function request(
	members: Members,
	topics: Readonly<Record<string, number>>,
	owned?: Assignment,
	barred = new Set<string>(),
): AssignmentRequest {
	return {
		members: members.map(({ id, topics }) => ({ id, topics, owned: owned?.get(id) ?? [] })),
		topics: new Map(Object.entries(topics)),
		excluded: (member, partition) => barred.has(`${member} ${partitionKey(partition)}`),
	};
}

const topics = fc.record({ t: fc.nat(40), u: fc.nat(12), v: fc.nat(5) });
const uniform = fc
	.integer({ min: 1, max: 20 })
	.map((count): Members => Array.from({ length: count }, (_, i) => ({ id: `m${i}`, topics: ["t", "u", "v"] })));
const mixed = fc
	.array(fc.subarray(["t", "u", "v"], { minLength: 1 }), { minLength: 1, maxLength: 10 })
	.map((list): Members => list.map((topics, i) => ({ id: `m${i}`, topics })));
const barred = fc
	.array(fc.tuple(fc.nat(9), fc.constantFrom("t", "u", "v"), fc.nat(5)), { maxLength: 10 })
	.map((list) => new Set(list.map(([member, topic, index]) => `m${member} ${topic}/${index}`)));

function owners(assignment: Assignment): Map<string, string> {
	return new Map([...assignment].flatMap(([id, partitions]) => partitions.map((partition) => [partitionKey(partition), id] as const)));
}

function loads(assignment: Assignment): number[] {
	return [...assignment.values()].map((partitions) => partitions.length);
}

function spread(counts: readonly number[]): number {
	return counts.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);
}

function total(topics: Readonly<Record<string, number>>): number {
	return Object.values(topics).reduce((sum, count) => sum + count, 0);
}

describe.each(ALL.map((assignor): [string, Assignor] => [assignor.name, assignor]))("%s", (_, assignor) => {
	it("gives each partition that somebody may have to exactly one who may have it, the same every time", () => {
		fc.assert(
			fc.property(mixed, topics, barred, (members, topics, barred) => {
				const asked = request(members, topics, undefined, barred);
				const assignment = assignor.assign(asked);
				const given = [...assignment.values()].flat().map(partitionKey);
				expect(new Set(given).size).toBe(given.length);
				for (const [id, partitions] of assignment) {
					for (const partition of partitions) {
						expect(members.find((member) => member.id === id)?.topics).toContain(partition.topic);
						expect(asked.excluded(id, partition)).toBe(false);
					}
				}
				const takable = [...asked.topics].flatMap(([topic, count]) =>
					Array.from({ length: count }, (_, index) => ({ topic, index })).filter((partition) =>
						members.some(({ id, topics }) => topics.includes(topic) && !asked.excluded(id, partition)),
					),
				);
				expect(given.toSorted()).toEqual(takable.map(partitionKey).toSorted());
				expect(assignor.assign(asked)).toEqual(assignment);
			}),
		);
	});
});

describe("balance", () => {
	it("of sticky and round-robin: members with the same topics are at most one apart", () => {
		fc.assert(
			fc.property(uniform, topics, (members, topics) => {
				for (const assignor of [stickyAssignor, roundRobinAssignor])
					expect(spread(loads(assignor.assign(request(members, topics))))).toBeLessThanOrEqual(1);
			}),
		);
	});

	it("of range: members are at most one apart in each topic, with neighbouring partitions", () => {
		fc.assert(
			fc.property(uniform, topics, (members, topics) => {
				const assignment = rangeAssignor.assign(request(members, topics));
				for (const topic of Object.keys(topics)) {
					const runs = [...assignment.values()].map((partitions) =>
						partitions.filter((partition) => partition.topic === topic).map(({ index }) => index),
					);
					expect(spread(runs.map((run) => run.length))).toBeLessThanOrEqual(1);
					for (const run of runs) expect(run).toEqual(run.map((_, i) => (run[0] ?? 0) + i));
				}
			}),
		);
	});

	it("of sticky with mixed topics: members with equal topics are at most one apart", () => {
		fc.assert(
			fc.property(mixed, topics, (members, topics) => {
				const assignment = stickyAssignor.assign(request(members, topics));
				for (const group of Map.groupBy(members, ({ topics }) => topics.join()).values()) {
					expect(spread(group.map(({ id }) => assignment.get(id)?.length ?? 0))).toBeLessThanOrEqual(1);
				}
			}),
		);
	});

	it("of sticky with mixed topics: nobody could give one to somebody with two fewer", () => {
		fc.assert(
			fc.property(mixed, topics, (members, topics) => {
				const assignment = stickyAssignor.assign(request(members, topics));
				for (const [id, partitions] of assignment) {
					for (const other of members) {
						const lighter = partitions.length - (assignment.get(other.id)?.length ?? 0) >= 2;
						expect(lighter && id !== other.id && partitions.some(({ topic }) => other.topics.includes(topic))).toBe(false);
					}
				}
			}),
		);
	});
});

describe("sticky", () => {
	it("moves nothing when nothing changed", () => {
		fc.assert(
			fc.property(mixed, topics, (members, topics) => {
				const before = stickyAssignor.assign(request(members, topics));
				expect(owners(stickyAssignor.assign(request(members, topics, before)))).toEqual(owners(before));
			}),
		);
	});

	it("moves at most ceil(partitions / members) for a join, all of them to the joiner", () => {
		fc.assert(
			fc.property(uniform, topics, (members, topics) => {
				const before = stickyAssignor.assign(request(members, topics));
				const joined = [...members, { id: "new", topics: ["t", "u", "v"] }];
				const after = stickyAssignor.assign(request(joined, topics, before));
				const moved = [...owners(after)].filter(([key, id]) => owners(before).get(key) !== id);
				expect(moved.length).toBeLessThanOrEqual(Math.ceil(total(topics) / joined.length));
				expect(moved.every(([, id]) => id === "new")).toBe(true);
				expect(spread(loads(after))).toBeLessThanOrEqual(1);
			}),
		);
	});

	it("moves only the leaver's partitions for a leave", () => {
		fc.assert(
			fc.property(uniform, topics, fc.nat(), (members, topics, which) => {
				fc.pre(members.length > 1);
				const before = stickyAssignor.assign(request(members, topics));
				const leaver = members[which % members.length]?.id;
				const rest = members.filter(({ id }) => id !== leaver);
				const after = stickyAssignor.assign(request(rest, topics, before));
				const moved = [...owners(before)].filter(([key, id]) => id !== leaver && owners(after).get(key) !== id);
				expect(moved).toEqual([]);
				expect(spread(loads(after))).toBeLessThanOrEqual(1);
			}),
		);
	});

	it("stays even over a long history of joins, leaves and growth", () => {
		fc.assert(
			fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }), (history) => {
				const present = new Set<string>();
				let assignment: Assignment = new Map();
				for (const [i, which] of history.entries()) {
					if (!present.delete(`m${which}`)) present.add(`m${which}`);
					const members = [...present].map((id) => ({ id, topics: ["t", "u"] }));
					assignment = stickyAssignor.assign(request(members, { t: 10 + i, u: 7 }, assignment));
					expect(spread(loads(assignment))).toBeLessThanOrEqual(1);
					expect(loads(assignment).reduce((sum, load) => sum + load, 0)).toBe(present.size === 0 ? 0 : 17 + i);
				}
			}),
		);
	});

	it("plans a thousand partitions for a hundred members in a few milliseconds", () => {
		const members = Array.from({ length: 100 }, (_, i) => ({ id: `m${i}`, topics: ["t"] }));
		const before = stickyAssignor.assign(request(members, { t: 1000 }));
		const after = stickyAssignor.assign(request([...members, { id: "new", topics: ["t"] }], { t: 1000 }, before));
		expect(after.get("new")).toHaveLength(9);
	});
});

// Pure: a topology from what was seen of the broker twice, and from its last messages.
import type { Drain, Feed, TopicNode, Topology } from "../api/topology.ts";
import type { PartitionDescription, TopicDescription } from "../driver/driver.ts";
import type { GroupSnapshot } from "../driver/group-session.ts";
import type { Offset } from "../offset.ts";
import { PartitionMap } from "../partition-map.ts";
import type { PartitionTail } from "./tails.ts";

/** What was seen at one moment: groups before topics, so that no end is older than a commit. */
export interface Sight {
	readonly atMs: number;
	readonly groups: readonly GroupSnapshot[];
	readonly topics: readonly TopicDescription[];
}

export function topologyOf(
	identity: Pick<Topology, "backend" | "at">,
	before: Sight,
	now: Sight,
	tails: readonly PartitionTail[],
): Topology {
	const seconds = Math.max(1, now.atMs - before.atMs) / 1000;
	const ends = new PartitionMap(before.topics.flatMap(({ partitions }) => partitions.map((partition) => [partition, partition.end])));
	const arrived = new PartitionMap(
		now.topics.flatMap(({ partitions }) =>
			partitions.map((partition) => [partition, risen(ends.get(partition), partition.end, partition) / seconds]),
		),
	);
	return {
		...identity,
		topics: now.topics.map(({ topic, partitions }): TopicNode => ({
			topic,
			partitions: partitions.length,
			perSecond: sum(partitions.map((partition) => arrived.get(partition) ?? 0)),
		})),
		producerGroups: feedsOf(tails, arrived),
		consumerGroups: now.groups.flatMap((group) => drainsOf(group, committedOf(before.groups, group.group), now.topics, seconds)),
	};
}

function feedsOf(tails: readonly PartitionTail[], arrived: PartitionMap<number>): Feed[] {
	const feeds = new Map<string, { feed: Omit<Feed, "lastSent">; lastMs: number }>();
	for (const { partition, senders } of tails) {
		const all = sum(senders.map(({ messages }) => messages));
		for (const { group, members, messages, lastMs } of senders) {
			const key = `${partition.topic}/${group ?? ""}`;
			const known = feeds.get(key);
			feeds.set(key, {
				feed: {
					group,
					topic: partition.topic,
					members: [...new Set([...(known?.feed.members ?? []), ...members])].toSorted(),
					perSecond: (known?.feed.perSecond ?? 0) + ((arrived.get(partition) ?? 0) * messages) / all,
				},
				lastMs: Math.max(known?.lastMs ?? 0, lastMs),
			});
		}
	}
	return [...feeds.values()].map(({ feed, lastMs }) => ({ ...feed, lastSent: isoTime(lastMs) }));
}

function drainsOf(group: GroupSnapshot, before: PartitionMap<Offset>, topics: readonly TopicDescription[], seconds: number): Drain[] {
	const committed = committedOf([group], group.group);
	const read = new Set([...group.members.flatMap((member) => member.topics), ...[...committed.keys()].map(({ topic }) => topic)]);
	return topics
		.filter(({ topic }) => read.has(topic))
		.map(({ topic, partitions }) => {
			const lags = partitions.map((partition) => lagOf(committed.get(partition), partition));
			return {
				group: group.group,
				topic,
				members: group.members.filter((member) => member.topics.includes(topic)).length,
				perSecond: sum(partitions.map((partition) => risen(before.get(partition), committed.get(partition), partition))) / seconds,
				lag: lags.includes(undefined) ? undefined : sum(lags.map((lag) => lag ?? 0)),
			};
		});
}

function committedOf(groups: readonly GroupSnapshot[], name: string): PartitionMap<Offset> {
	const found = groups.find(({ group }) => group === name);
	return new PartitionMap([...(found?.committed ?? [])].map(([partition, { offset }]) => [partition, offset]));
}

function lagOf(committed: Offset | undefined, { earliest, end, records }: PartitionDescription): number | undefined {
	if (committed === undefined || committed > end) return undefined;
	const distance = Number(end - (committed < earliest ? earliest : committed));
	return records !== undefined && records > 0 ? Math.min(distance, records) : distance;
}

/** Messages between two offsets, which may have gaps. What went back (a reset, a topic made again) has not risen. */
function risen(from: Offset | undefined, to: Offset | undefined, { earliest, end, records }: PartitionDescription): number {
	if (from === undefined || to === undefined || to <= from) return 0;
	const density = records === undefined || records <= 0 || end <= earliest ? 1 : Math.min(1, records / Number(end - earliest));
	return Number(to - from) * density;
}

function isoTime(ms: number): string | undefined {
	const date = new Date(ms);
	return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

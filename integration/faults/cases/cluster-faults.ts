// Clusters whose nodes die, freeze and lose each other, with members and a producer at work.
import assert from "node:assert/strict";
import type { Cluster, Node } from "../clusters.ts";
import { courseLine, courseSince, overlapsIn, seconds } from "../course.ts";
import type { FaultCase } from "../fault-case.ts";
import type { Stage } from "../stage.ts";
import { delay } from "../waiting.ts";
import { type AtWork, AWAY_MS, BACK_MS, clusterOf, excuse, flowing, PARTITIONS, SKEW_MS, threeAtWork } from "./cluster-work.ts";

/** What it did, said in one line; fails if two members had one partition at the same time. */
function told(stage: Stage, at: number, { members }: Pick<AtWork, "members">): string {
	const overlaps = overlapsIn(members, at).filter(({ ms }) => ms > SKEW_MS);
	assert.deepEqual(overlaps, [], "two members had one partition at the same time");
	return courseLine(courseSince(at, stage.players));
}

/** Who leads what a case is about. */
type Leader = (cluster: Cluster, stage: Stage, except?: Node) => Promise<Node>;
const ofGroup: Leader = (cluster, { group }, except) => cluster.leaderOfGroup(group, except);
const ofPartition: Leader = (cluster, { topic }, except) => cluster.leaderOfPartition(topic, 0, except);

/** When the cluster itself had another leader: what is longer is the client's doing. */
async function ledByAnother(
	stage: Stage,
	{ node, leader, at }: { readonly node: Node; readonly leader: Leader; readonly at: number },
): Promise<string> {
	const cluster = clusterOf(stage);
	const end = at + BACK_MS;
	while (Date.now() < end) {
		const now = await leader(cluster, stage, node).catch(() => node);
		if (now !== node) return `another node led after ${seconds(Date.now() - at)}, `;
		await delay(100);
	}
	return "no other node led, ";
}

/** The node is killed, its peers go on without it, it comes back. */
async function killed(stage: Stage, leader: Leader | undefined): Promise<string> {
	const work = await threeAtWork(stage);
	const node = await (leader ?? follower)(work.cluster, stage);
	const at = Date.now();
	excuse(work.members, at);
	const led = leader ? ledByAnother(stage, { node, leader, at }) : "";
	await node.kill();
	await flowing(work, at + 1000);
	// Long enough that its peers would have gone on without it.
	await delay(2000);
	const without = `${await led}${told(stage, at, work)}`;
	const back = Date.now();
	await node.start();
	await work.cluster.settled();
	await flowing(work, Date.now());
	const course = courseSince(back, stage.players);
	return `${without}; while it came back, no delivery for ${seconds(Math.max(...course.gaps.values()))} at most`;
}

/** A node that does not lead the group; on Redis, where masters follow nobody, a replica. */
async function follower(cluster: Cluster, stage: Stage): Promise<Node> {
	const leader = await cluster.leaderOfGroup(stage.group);
	const others = cluster.nodes.filter((node) => node !== leader);
	const leading = await Promise.all(Array.from({ length: PARTITIONS }, (_, index) => cluster.leaderOfPartition(stage.topic, index)));
	const counts = others.map((node) => ({ node, leads: leading.filter((one) => one === node).length }));
	const least = counts.toSorted((a, b) => a.leads - b.leads)[0];
	if (!least) throw new Error("a cluster has followers");
	return least.node;
}

interface Away {
	readonly begin: (cluster: Cluster, node: Node) => Promise<void>;
	readonly end: (cluster: Cluster, node: Node) => Promise<void>;
}

/** The node that leads the group is away and comes back as it was, believing what it believed. */
async function away(stage: Stage, { begin, end }: Away): Promise<string> {
	const work = await threeAtWork(stage);
	const node = await work.cluster.leaderOfGroup(stage.group);
	const at = Date.now();
	excuse(work.members, at);
	const led = ledByAnother(stage, { node, leader: ofGroup, at });
	await begin(work.cluster, node);
	await delay(AWAY_MS[stage.backend]);
	const during = `${await led}${courseLine(courseSince(at, stage.players))}`;
	await end(work.cluster, node);
	const healed = Date.now();
	await flowing(work, healed);
	await work.cluster.settled();
	await flowing(work, Date.now());
	told(stage, at, work);
	const after = courseSince(healed, stage.players);
	const mended = await work.cluster.mend?.(node);
	return [
		`${during}; after its return no delivery for ${seconds(Math.max(...after.gaps.values()))} at most`,
		after.losses > 0 ? `${after.losses} more` : "",
		mended ?? "",
	]
		.filter(Boolean)
		.join(", ");
}

const ALL = ["redis", "rabbitmq", "kafka"] as const;
const common = { on: ALL, smoke: false, hurtsBroker: true, mayStoreTwice: true, mayLose: true } as const;

export const clusterFaultCases: readonly FaultCase[] = [
	{
		...common,
		id: "C1",
		prototype: { redis: "no write for 5.8 s (kill of the journal's master)", rabbitmq: "no delivery for 0.4 to 6.1 s" },
		fault: "kill -9 of the node that leads the group's journal (Kafka: its coordinator), and its restart",
		expected: "another node leads; all goes on by itself; nothing acknowledged is missing",
		run: (stage) => killed(stage, ofGroup),
	},
	{
		...common,
		id: "C2",
		fault: "kill -9 of the node that leads a partition of the topic, and its restart",
		expected: "as C1",
		run: (stage) => killed(stage, ofPartition),
	},
	{
		...common,
		id: "C3",
		prototype: { rabbitmq: "no delivery for 0.3 to 7.5 s; 14.4 s where members had to move with impatient timers" },
		fault: "kill -9 of a follower (the node that leads least), and its restart",
		expected: "as C1",
		run: (stage) => killed(stage, undefined),
	},
	{
		...common,
		id: "C4",
		prototype: { rabbitmq: "no delivery for 28 to 37 s, 51 s in one partition; tick 15" },
		fault: "the node that leads the group's journal is cut from its peers, not from clients; then the network heals",
		expected: "the majority goes on, members find it; nothing acknowledged by the minority is missing; one owner at all times",
		run: (stage) => away(stage, { begin: (cluster, node) => cluster.cut(node), end: (cluster) => cluster.heal() }),
	},
	{
		...common,
		id: "C5",
		prototype: { rabbitmq: "no delivery for 25 s; tick 15" },
		fault: "SIGSTOP of the node that leads the group's journal, then SIGCONT",
		expected: "as C4",
		run: (stage) => away(stage, { begin: async (_, node) => await node.pause(), end: async (_, node) => await node.resume() }),
	},
	{
		...common,
		id: "C6",
		prototype: { rabbitmq: "no delivery for 8.5 to 8.8 s" },
		fault: "rolling restart: each node is ended and started in turn, once all replicas are in step",
		expected: "all goes on; nothing acknowledged is missing",
		async run(stage) {
			const work = await threeAtWork(stage);
			const at = Date.now();
			excuse(work.members, at);
			for (const node of work.cluster.nodes) {
				await node.restart();
				await work.cluster.settled();
			}
			await flowing(work, Date.now());
			return told(stage, at, work);
		},
	},
	{
		...common,
		id: "C7",
		prototype: { rabbitmq: "no delivery for 21.4 to 21.8 s" },
		fault: "kill -9 of all nodes, and their restart",
		expected: "all goes on by itself; nothing acknowledged is missing",
		async run(stage) {
			const work = await threeAtWork(stage);
			const at = Date.now();
			excuse(work.members, at);
			await Promise.all(work.cluster.nodes.map((node) => node.kill()));
			await delay(stage.random.between(300, 1500));
			await Promise.all(work.cluster.nodes.map((node) => node.start()));
			await work.cluster.settled();
			const up = Date.now();
			await flowing(work, up);
			return `${told(stage, at, work)}, ${seconds(up - at)} of it without a cluster`;
		},
	},
];

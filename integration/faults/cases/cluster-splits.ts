// A cluster in two parts, with members and producers on both sides: who owns what, for how long, and what is lost of it.
import assert from "node:assert/strict";
import { urlFrom } from "../clusters.ts";
import { overlapsIn, seconds } from "../course.ts";
import type { FaultCase } from "../fault-case.ts";
import type { Player } from "../player.ts";
import type { Stage } from "../stage.ts";
import { delay, until } from "../waiting.ts";
import { AWAY_MS, BACK_MS, clusterOf, excuse, flowing, PARTITIONS, SKEW_MS } from "./cluster-work.ts";

/** So much that nobody runs out of work while the network is cut: a member goes on with what it has. */
const BACKLOG = 6000;
const HANDLER_MS = 20;

/** The node that leads the group, a member and a producer are on one side, all others on the other. */
async function split(stage: Stage, query = ""): Promise<string> {
	const cluster = clusterOf(stage);
	const url = `${stage.server.url}${query}`;
	await stage.make(PARTITIONS);
	const filler = await stage.producer("filler", { url, rate: 4000, count: BACKLOG });
	await until(
		() => filler.receipts().ok === BACKLOG,
		() => `the backlog is sent (${filler.tail()})`,
		60_000,
	);
	const majority = await Promise.all(["b", "c"].map((name, i) => stage.member(name, { url: urlFrom(url, i), handlerMs: HANDLER_MS })));
	const node = await cluster.leaderOfGroup(stage.group);
	const place = cluster.placeOf(node);
	const here = urlFrom(url, cluster.nodes.indexOf(node));
	const cutOff = await stage.member("a", { place, url: here, handlerMs: HANDLER_MS });
	const members = [cutOff, ...majority];
	const [p] = await Promise.all([
		stage.producer("p", { url, rate: 50, deliveryTimeoutMs: BACK_MS }),
		stage.producer("q", { place, url: here, rate: 50, deliveryTimeoutMs: BACK_MS }),
	]);
	await stage.shared(members, PARTITIONS, 60_000);
	await stage.handled(300);
	const orphans = cutOff.owned();
	const at = Date.now();
	excuse(members, at);
	await cluster.cut(node, { clientsToo: true });
	await delay(AWAY_MS[stage.backend]);
	const seen = sides(cutOff, majority, orphans, at);
	await cluster.heal();
	await flowing({ members, producer: p }, Date.now());
	await cluster.settled();
	const mended = await cluster.mend?.(node);
	return [seen, mended].filter(Boolean).join("; ");
}

function sides(cutOff: Player, majority: readonly Player[], orphans: readonly string[], at: number): string {
	const last = cutOff.started(at).at(-1);
	const first = majority
		.flatMap((member) => member.started(at).filter(({ partition }) => orphans.includes(partition)))
		.toSorted((a, b) => a.at - b.at)[0];
	const overlaps = overlapsIn([cutOff, ...majority], at).filter(({ ms }) => ms > SKEW_MS);
	const both = overlaps.map(({ ms, deliveries }) => `${seconds(ms)} (${deliveries} deliveries)`).join(", ");
	return [
		last
			? `the member that was cut off was handed messages for ${seconds(last.at - at)} more`
			: "the member that was cut off was handed nothing more",
		first ? `others took its partitions over after ${seconds(first.at - at)}` : "nobody took its partitions over",
		overlaps.length > 0 ? `two owners of ${overlaps.length} partitions for ${both}` : "never two owners",
	].join(", ");
}

const common = { smoke: false, hurtsBroker: true, mayStoreTwice: true } as const;

export const clusterSplitCases: readonly FaultCase[] = [
	{
		...common,
		id: "C8",
		fault: "the node that leads the group's journal, a member and a producer are cut off from all others; then the network heals",
		expected:
			"the cut-off member stops before others take over; nothing acknowledged is missing. Redis promises neither: it is measured what is lost and for how long a partition has two owners",
		on: ["redis", "rabbitmq", "kafka"],
		mayLose: true,
		prototype: { redis: "split by hand for 11 s: 2707 of 10432 acknowledged lost, two owners for 11 s" },
		run: (stage) => split(stage),
	},
	{
		...common,
		id: "C9",
		fault: "as C8, with minReplicas 1",
		expected: "as C8 on the others: one owner at all times, nothing acknowledged is missing",
		on: ["redis"],
		prototype: { redis: "split with WAIT 1: nothing lost, never two owners" },
		async run(stage) {
			const seen = await split(stage, "?minReplicas=1");
			assert.ok(seen.includes("never two owners"), seen);
			return seen;
		},
	},
];

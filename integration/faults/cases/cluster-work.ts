// What the cases of clusters begin with, and how they know that it all works again.
import { type Cluster, urlFrom } from "../clusters.ts";
import type { Player } from "../player.ts";
import type { Backend } from "../servers.ts";
import type { Stage } from "../stage.ts";
import { until } from "../waiting.ts";

export const PARTITIONS = 6;
const MEMBERS = ["a", "b", "c"] as const;
/** Within which all has to work again. */
export const BACK_MS = 120_000;
/** Clocks of processes on one machine, and the time between an event and its line. */
export const SKEW_MS = 25;

export function clusterOf({ server }: Stage): Cluster {
	if (!server.cluster) throw new Error(`${server.version} is not a cluster`);
	return server.cluster;
}

export interface AtWork {
	readonly cluster: Cluster;
	readonly members: readonly Player[];
	readonly producer: Player;
}

/** Three members that begin at different nodes, and a producer. */
export async function threeAtWork(stage: Stage): Promise<AtWork> {
	const cluster = clusterOf(stage);
	await stage.make(PARTITIONS);
	const members = await Promise.all(MEMBERS.map((name, i) => stage.member(name, { url: urlFrom(stage.server.url, i) })));
	const producer = await stage.producer("p", { deliveryTimeoutMs: BACK_MS });
	await stage.shared(members, PARTITIONS, 60_000);
	await stage.handled(300);
	return { cluster, members, producer };
}

/** Every partition is delivered from again, and the producer's messages are acknowledged. */
export async function flowing({ members, producer }: Pick<AtWork, "members" | "producer">, since: number, ms = BACK_MS): Promise<void> {
	const moving = () => new Set(members.flatMap((member) => member.started(since).map(({ partition }) => partition))).size;
	await until(
		() => moving() === PARTITIONS && producer.receipts(since).ok > 50,
		() => `all partitions flow (${moving()} do; ${[...members, producer].map((player) => `${player.name}: ${player.tail()}`).join(" | ")})`,
		ms,
	);
}

/** What members had in hand may come again: a fault may last longer than their session. */
export function excuse(members: readonly Player[], at: number): void {
	for (const member of members) member.abandoned(at);
}

/** For so long its peers do without it: longer than they need to find out. */
export const AWAY_MS: Readonly<Record<Backend, number>> = { memory: 0, redis: 15_000, kafka: 30_000, rabbitmq: 45_000 };

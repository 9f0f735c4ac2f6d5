// How every case ends: all faults healed, a fresh client that reads everything from the start, and the verdict.
import assert from "node:assert/strict";
import { type Broker, connect, type Message, partitionKey, silentLog } from "@polylog/core";
import { checkHistory, type HistoryEvent, type Verdict } from "@polylog/conformance";
import type { FaultCase } from "./fault-case.ts";
import type { Player } from "./player.ts";
import type { Stage } from "./stage.ts";
import type { Item } from "./task.ts";
import { until, within } from "./waiting.ts";

/** Processes of one machine, and the time between an event and its line. */
const SKEW_MS = 25;
const RSS_LIMIT_MB = 300;
const SETTLED_MS = 120_000;
const DRAINED_MS = 60_000;

export async function finish(stage: Stage, { allow = [], rssLimitMb = RSS_LIMIT_MB }: FaultCase): Promise<string> {
	stage.heal();
	const producers = stage.players.filter(({ role, ended }) => role === "producer" && !ended);
	for (const producer of producers) producer.tell({ do: "stop" });
	for (const producer of producers)
		await until(
			() => producer.notes("stopped").length > 0,
			() => `${producer.name} has settled all it sent: ${producer.tail()}`,
			SETTLED_MS,
		);
	const fresh = await connect({ url: stage.server.url, log: silentLog, clientId: "fresh" });
	let log: ReadonlyMap<string, readonly Message<Item>[]>;
	try {
		await drained(stage, fresh);
		log = await readFromStart(stage, fresh);
	} finally {
		await fresh.close({ deadlineMs: 5000 });
	}
	for (const player of stage.players) await player.close();
	const lines = stage.players.filter(({ ending, ended, body }) => body.said() !== "" || !endedAsMeant({ ending, ended }));
	assert.deepEqual(
		lines.map(({ name, ended, body }) => `${name} (${ended?.signal ?? ended?.code}): ${body.said().slice(0, 1500)}`),
		[],
		"processes ended badly",
	);
	const most = Math.max(0, ...stage.players.map(mostMemory));
	assert.ok(most <= rssLimitMb, `a process took ${most} MB of memory, and ${rssLimitMb} are allowed`);
	const history = stage.history();
	const verdict = checkHistory(history, { skewMs: SKEW_MS, mayStoreTwice: !fresh.capabilities.idempotentAppend });
	const broken = [...verdict.violations, ...missing(history, log)].filter(({ kind }) => !allow.includes(kind as never));
	assert.deepEqual(broken.slice(0, 5), [], `the history breaks the contract in ${broken.length} places`);
	return summary(history, verdict, most);
}

/** Each was ended by the suite, in the way that the suite ended it. */
function endedAsMeant({ ending, ended }: Pick<Player, "ending" | "ended">): boolean {
	if (!ending || !ended) return false;
	if (ending === "SIGKILL") return ended.signal === "SIGKILL";
	return ended.code === (ending === "close" ? 0 : 143) || ended.code === 0;
}

/** Lag 0 on all partitions of the case's group, if it has one. */
async function drained(stage: Stage, fresh: Broker): Promise<void> {
	if (!stage.players.some(({ role }) => role === "member")) return;
	const group = stage.groupOf(fresh);
	let seen = "nothing";
	await until(
		async () => {
			const lag = await within(10_000, "asking for the lag", group.lag()).catch((error: unknown) => void (seen = String(error)));
			if (!lag) return false;
			assert.ok(
				lag.partitions.every(({ lag }) => lag === undefined || lag >= 0n),
				"a lag below 0",
			);
			seen = lag.partitions.map(({ partition, lag }) => `${partition.index}: ${lag}`).join(", ");
			return lag.total === 0n;
		},
		() => `the group is drained (lag ${seen}; ${stage.players.map((player) => `${player.name}: ${player.tail()}`).join(" | ")})`,
		DRAINED_MS,
	);
}

async function readFromStart(stage: Stage, fresh: Broker): Promise<Map<string, Message<Item>[]>> {
	const byId = new Map<string, Message<Item>[]>();
	const read = async () => {
		for await (const message of fresh.read(stage.topicOf(), { from: "earliest", to: "latest" })) {
			const { id } = message.value;
			byId.set(id, [...(byId.get(id) ?? []), message]);
		}
	};
	await within(60_000, "reading everything from the start", read());
	return byId;
}

/** Whether the log holds what producers were told it holds. */
function missing(history: readonly HistoryEvent[], log: ReadonlyMap<string, readonly Message<Item>[]>): { kind: string; detail: string }[] {
	return history.flatMap((event) => {
		if (event.kind !== "sent") return [];
		const found = log.get(event.id) ?? [];
		if (event.status === "failed")
			return found.length === 0 ? [] : [{ kind: "never-sent", detail: `${event.id} failed, and is in the log` }];
		if (event.status === "unknown") return [];
		const there = found.some(
			({ partition, offset }) => partitionKey(partition) === event.partition && (event.offset === undefined || offset === event.offset),
		);
		return there
			? []
			: [
					{
						kind: "lost",
						detail: `${event.id} was acknowledged at ${event.partition}@${event.offset}; a fresh reader does not find it there`,
					},
				];
	});
}

function mostMemory(player: Player): number {
	return Math.max(0, ...player.notes("rss").map(({ detail }) => Number(detail)));
}

function summary(history: readonly HistoryEvent[], verdict: Verdict, rssMb: number): string {
	const sent = { ok: 0, failed: 0, unknown: 0 };
	for (const event of history) if (event.kind === "sent") sent[event.status]++;
	const told = Object.entries(sent)
		.filter(([, count]) => count > 0)
		.map(([status, count]) => `${count} ${status}`);
	return `sent ${told.join(", ") || "nothing"}; ${verdict.distinct} handled, ${verdict.duplicates} again, ${verdict.ownerChanges} changes of owner; ${rssMb} MB`;
}

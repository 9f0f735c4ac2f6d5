// How every case ends: all faults healed, a fresh client that reads everything from the start, and the verdict.
import assert from "node:assert/strict";
import { type Broker, bytes, connect, json, partitionKey, silentLog, topic } from "@polylog/core";
import { checkHistory, type HistoryEvent, type Verdict, violationLine } from "@polylog/conformance";
import type { FaultCase } from "./fault-case.ts";
import { EXCUSED_BY_LOSS, lostIn, withoutMessages } from "./loss.ts";
import type { Player } from "./player.ts";
import { SESSION_MS, type Stage } from "./stage.ts";
import type { Item } from "./task.ts";
import { until, within } from "./waiting.ts";

/** Processes of one machine, and the time between an event and its line. */
const SKEW_MS = 25;
const RSS_LIMIT_MB = 300;
const SETTLED_MS = 120_000;
const DRAINED_MS = 60_000;
const FRESH = "fresh";

export async function finish(stage: Stage, fault: FaultCase): Promise<string> {
	const { allow = [], rssLimitMb = RSS_LIMIT_MB, mayStoreTwice = false, mayLose = false } = fault;
	stage.heal();
	stage.events.push({ kind: "healed", at: Date.now() });
	await settled(stage.players.filter(({ role, ended }) => role === "producer" && !ended));
	const fresh = await connect({ url: stage.server.url, log: silentLog, clientId: FRESH });
	try {
		await drained(stage, fresh);
		stage.events.push(...(await within(60_000, "reading everything from the start", readFromStart(stage, fresh))));
	} finally {
		await fresh.close({ deadlineMs: 5000 });
	}
	for (const player of stage.players) await player.close();
	judgeProcesses(stage.players, rssLimitMb);
	const whole = stage.history();
	const loses = mayLose && fresh.capabilities.durability !== "quorum";
	const lost = loses ? lostIn(whole, FRESH) : new Set<string>();
	const history = withoutMessages(whole, lost);
	const excused = loses ? [...allow, ...EXCUSED_BY_LOSS] : allow;
	const storedTwice = mayStoreTwice && !fresh.capabilities.idempotentAppend ? Number.POSITIVE_INFINITY : 0;
	const judge = (events: readonly HistoryEvent[]) => checkHistory(events, { skewMs: SKEW_MS, progressMs: 3 * SESSION_MS, storedTwice });
	const verdict = judge(history);
	const violations = [...stage.chapters.map(judge), verdict].flatMap(({ violations }) => violations);
	const broken = [...violations.filter(({ key }) => !excused.includes(key)).map(violationLine), ...unfound(history)];
	assert.deepEqual(broken.slice(0, 5), [], `the history breaks the contract in ${broken.length} places`);
	const loss = mayLose ? `${lost.size} acknowledged missing; ` : "";
	return `${loss}${summary(stage, history, verdict)}`;
}

/** What a history that did not come to its end shows to be broken. */
export function brokenSoFar(stage: Stage): string[] {
	const { violations } = checkHistory(stage.history(), { skewMs: SKEW_MS, drained: false, storedTwice: Number.POSITIVE_INFINITY });
	return violations.map(violationLine);
}

async function settled(producers: readonly Player[]): Promise<void> {
	for (const producer of producers) producer.tell({ do: "stop" });
	for (const producer of producers)
		await until(
			() => producer.notes("stopped").length > 0,
			() => `${producer.name} has settled all it sent: ${producer.tail()}`,
			SETTLED_MS,
		);
}

/** Lag 0 on all partitions of the case's group, if it has one. */
async function drained(stage: Stage, fresh: Broker): Promise<void> {
	if (!stage.players.some(({ role }) => role === "member")) return;
	let seen = "nothing";
	await until(
		async () => {
			const lag = await within(10_000, "asking for the lag", stage.observe(fresh)).catch((error: unknown) => void (seen = String(error)));
			if (!lag) return false;
			seen = lag.partitions.map(({ partition, lag }) => `${partition.index}: ${lag}`).join(", ");
			return lag.total === 0n;
		},
		() => `the group is drained (lag ${seen}; ${stage.players.map((player) => `${player.name}: ${player.tail()}`).join(" | ")})`,
		DRAINED_MS,
	);
}

/** To the checker the fresh reader is a group of its own: it has to be handed everything that was acknowledged. */
async function readFromStart(stage: Stage, fresh: Broker): Promise<HistoryEvent[]> {
	const events: HistoryEvent[] = [];
	for (const { earliest, ...partition } of (await fresh.topics.describe(stage.topic)).partitions)
		if (earliest > 0n) events.push({ kind: "truncated", at: Date.now(), partition: partitionKey(partition), below: earliest });
	for await (const { partition, offset, value, key } of fresh.read(topic(stage.topic, { codec: bytes() }), {
		from: "earliest",
		to: "latest",
	})) {
		const id = idOf(value);
		if (id === undefined) continue;
		const place = { at: Date.now(), member: FRESH, group: FRESH, partition: partitionKey(partition), offset, fence: 1n };
		events.push({ kind: "started", ...place, id, key, attempt: 1 }, { kind: "finished", ...place });
	}
	return events;
}

/** Of what the suite sent; undefined for what a stranger wrote. */
function idOf(value: Uint8Array | null): string | undefined {
	try {
		return json<Item>().decode(value).id;
	} catch {
		return undefined;
	}
}

/** Acknowledged without an offset (some brokers tell none): the fresh reader must have found the message somewhere. */
function unfound(history: readonly HistoryEvent[]): string[] {
	const found = new Set(history.flatMap((event) => (event.kind === "started" && event.group === FRESH ? [event.id] : [])));
	const truncated = new Set(history.flatMap((event) => (event.kind === "truncated" ? [event.partition] : [])));
	return history.flatMap((event) => {
		if (event.kind !== "sent" || event.status !== "ok" || event.offset !== undefined) return [];
		if (found.has(event.id) || truncated.has(event.partition ?? "")) return [];
		return [`unseen at ${event.partition}: ${event.id} was acknowledged, and a fresh reader does not find it`];
	});
}

function judgeProcesses(players: readonly Player[], rssLimitMb: number): void {
	const bad = players.filter((player) => player.body.said() !== "" || !endedAsMeant(player));
	const lines = bad.map(({ name, ended, body }) => `${name} (${ended?.signal ?? ended?.code}): ${body.said().slice(0, 1500)}`);
	assert.deepEqual(lines, [], "processes ended badly");
	const most = mostMemory(players);
	assert.ok(most <= rssLimitMb, `a process took ${most} MB of memory, and ${rssLimitMb} are allowed`);
}

/** Each was ended by the suite, in the way that the suite ended it. */
function endedAsMeant({ ending, ended }: Pick<Player, "ending" | "ended">): boolean {
	if (!ending || !ended) return false;
	if (ending === "SIGKILL") return ended.signal === "SIGKILL";
	return ended.code === 0 || (ending === "SIGTERM" && ended.code === 143);
}

function mostMemory(players: readonly Player[]): number {
	return Math.max(0, ...players.flatMap((player) => player.notes("rss").map(({ detail }) => Number(detail))));
}

function summary({ players }: Stage, history: readonly HistoryEvent[], verdict: Verdict): string {
	const sent = { ok: 0, failed: 0, unknown: 0 };
	for (const event of history) if (event.kind === "sent") sent[event.status]++;
	const receipts = Object.entries(sent).flatMap(([status, count]) => (count > 0 ? [`${count} ${status}`] : []));
	const copies = Map.groupBy(
		history.filter((event) => event.kind === "started" && event.group === FRESH),
		(event) => (event.kind === "started" ? event.id : ""),
	);
	const twice = [...copies.values()].filter((found) => found.length > 1).length;
	const parts = [
		`sent ${receipts.join(", ") || "nothing"}`,
		`${twice > 0 ? `${twice} stored twice, ` : ""}${verdict.duplicates} delivered again, ${verdict.ownerChanges} changes of owner`,
		`${mostMemory(players)} MB`,
	];
	return parts.join("; ");
}

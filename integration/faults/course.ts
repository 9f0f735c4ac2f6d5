// What a fault did to the flow of messages: how long nothing was delivered or acknowledged, and who lost what he owned.
import type { HistoryEvent } from "@polylog/conformance";
import type { Player } from "./player.ts";

type Started = Extract<HistoryEvent, { kind: "started" }>;

/** A pause this long in one partition is more than the rhythm of its messages on a busy machine. */
const PAUSE_MS = 1000;

export interface Course {
	/** The longest time without a delivery, by partition. */
	readonly gaps: ReadonlyMap<string, number>;
	/** From the fault to the end of the last pause in any partition; 0 if there was none. */
	readonly workingMs: number;
	/** The longest time without an acknowledgement in any partition. */
	readonly unacknowledgedMs: number;
	/** How often a member lost what it owned. */
	readonly losses: number;
	/** Why, each reason once. */
	readonly reasons: readonly string[];
}

export function courseSince(at: number, players: readonly Player[], now = Date.now()): Course {
	const members = players.filter(({ role }) => role === "member");
	const delivered = Map.groupBy(
		members.flatMap((member) => member.started()),
		({ partition }) => partition,
	);
	const pauses = [...delivered].map(([partition, started]) => [partition, pausesIn(timesOf(started), at, now)] as const);
	const acknowledged = Map.groupBy(
		players.flatMap(({ events }) => events.filter((event) => event.kind === "sent" && event.status === "ok")),
		(event) => (event.kind === "sent" ? event.partition : undefined),
	);
	const waits = [...acknowledged.values()].map((all) =>
		Math.max(
			...pausesIn(
				all.map((event) => event.at),
				at,
				now,
			).map(lengthOf),
		),
	);
	const ends = pauses.flatMap(([, all]) => all.filter((pause) => lengthOf(pause) > PAUSE_MS).map(({ to }) => to - at));
	return {
		gaps: new Map(pauses.map(([partition, all]) => [partition, Math.max(...all.map(lengthOf))])),
		workingMs: Math.max(0, ...ends),
		unacknowledgedMs: Math.max(0, ...waits),
		losses: members.flatMap(({ events }) => events.filter((event) => event.kind === "lost" && event.at >= at)).length,
		reasons: [
			...new Set(members.flatMap((member) => member.notes("lost", at).map(({ detail = "" }) => detail.split(": ").slice(1).join(": ")))),
		],
	};
}

export function courseLine({ gaps, workingMs, unacknowledgedMs, losses, reasons }: Course): string {
	const all = [...gaps.values()];
	const parts = [
		`no delivery for ${seconds(Math.min(...all))} (best partition) to ${seconds(Math.max(...all))} (worst)`,
		workingMs === 0 ? "all partitions went on" : `all partitions worked again after ${seconds(workingMs)}`,
		`no acknowledgement for ${seconds(unacknowledgedMs)} (worst)`,
		`${losses} ${losses === 1 ? "loss" : "losses"} of ownership${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}`,
	];
	return parts.join(", ");
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

interface Pause {
	readonly from: number;
	readonly to: number;
}
const lengthOf = ({ from, to }: Pause) => to - from;
const timesOf = (started: readonly Started[]) => started.map((event) => event.at);

function pausesIn(times: readonly number[], since: number, until: number): Pause[] {
	const within = [since, ...times.filter((time) => time > since && time < until).toSorted((a, b) => a - b), until];
	return within.slice(1).map((to, i) => ({ from: within[i] ?? since, to }));
}

export interface Overlap {
	readonly partition: string;
	readonly ms: number;
	/** Deliveries within it, by both. */
	readonly deliveries: number;
}

/** Two members that were handed messages of one partition in turn: for how long each time, at the longest for each partition. */
export function overlapsIn(players: readonly Player[], since: number): Overlap[] {
	const started = players.flatMap((player) => player.started(since));
	return [...Map.groupBy(started, ({ partition }) => partition)].flatMap(([partition, all]) => {
		const tenures = [...Map.groupBy(all, ({ member, fence }) => `${member}#${fence}`).values()].map((own) => ({
			member: own[0]?.member,
			from: Math.min(...timesOf(own)),
			to: Math.max(...timesOf(own)),
		}));
		const both = tenures.flatMap((one, i) =>
			tenures.slice(i + 1).flatMap((other) => {
				const [from, to] = [Math.max(one.from, other.from), Math.min(one.to, other.to)];
				return one.member !== other.member && to > from ? [{ from, to }] : [];
			}),
		);
		const longest = both.toSorted((a, b) => lengthOf(b) - lengthOf(a))[0];
		if (!longest) return [];
		const deliveries = all.filter(({ at }) => at >= longest.from && at <= longest.to).length;
		return [{ partition, ms: lengthOf(longest), deliveries }];
	});
}

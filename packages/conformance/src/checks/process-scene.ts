// Members in processes of their own on a topic that is fed all the time, and what is asked of their histories.
import type { ChildMember, ChildOptions } from "../child.ts";
import type { CheckContext } from "../context.ts";
import type { Verdict } from "../history/check-history.ts";
import { eventLine, type HistoryEvent } from "../history/event.ts";
import { clock, delay, until } from "../time.ts";

export interface Scene {
	readonly total: () => number;
	readonly stop: () => Promise<number>;
	readonly start: (name: string, options?: Partial<ChildOptions>) => Promise<ChildMember>;
	readonly handled: () => number;
	readonly untilDrained: (total: number) => Promise<void>;
	readonly untilShared: (children: readonly ChildMember[]) => Promise<void>;
	/** Messages are handled in every partition, by its present owner. */
	readonly untilFlowing: (children: readonly ChildMember[]) => Promise<void>;
	readonly note: (event: HistoryEvent) => void;
	readonly verify: () => Verdict;
	readonly committed: () => Promise<Map<number, bigint>>;
}

/** A topic that is fed all the time, and members in processes of their own. */
export async function stage(ctx: CheckContext, partitions = 4): Promise<Scene> {
	const broker = await ctx.connect();
	const topic = await ctx.topic(broker, { partitions });
	const group = ctx.groupName();
	const recorder = ctx.recorder();
	const children: ChildMember[] = [];
	const [producer, onlooker] = [broker.producer(topic), ctx.groupNamed(group, broker, topic)];
	let sent = 0;
	let on = true;
	const feeding = (async () => {
		while (on) {
			const from = sent;
			sent += partitions;
			await Promise.all(
				Array.from({ length: partitions }, (_, partition) => recorder.send(producer, 1, { from: from + partition, partition })),
			);
			await delay(20);
		}
	})();
	feeding.catch(() => {});
	const handled = () =>
		new Set(
			children.flatMap((child) =>
				child.events.flatMap((event) => (event.kind === "finished" ? [`${event.partition}@${event.offset}`] : [])),
			),
		).size;
	return {
		total: () => sent,
		async stop() {
			on = false;
			await feeding;
			return sent;
		},
		async start(name, options = {}) {
			const child = await ctx.spawn({ name, group, topics: [topic.name], commitIntervalMs: 100, ...options }, recorder);
			children.push(child);
			return child;
		},
		handled,
		untilDrained: (total) =>
			until(
				() => handled() >= total,
				() => `${total} messages were handled (${handled()} are)`,
				60_000,
			),
		untilShared: (among) =>
			until(
				() =>
					among.flatMap((child) => child.owned()).length === partitions &&
					among.every((child) => child.owned().length >= Math.floor(partitions / among.length)),
				"the partitions are shared",
				15_000,
			),
		untilFlowing: (among) =>
			until(
				() => handled() > 60 && among.every((child) => child.owned().every((partition) => firstOf(child, partition, 0))),
				"messages flow in every partition",
			),
		note: (event) => recorder.record(event),
		verify: () => recorder.verify(),
		async committed() {
			return new Map([...(await onlooker.committed())].map(([{ index }, offset]) => [index, offset]));
		},
	};
}

export const killed = (member: string): HistoryEvent => ({ kind: "ended", at: clock.wall(), member, how: "killed" });
export const firstOf = (child: ChildMember, partition: string, since: number) =>
	child.events.find((event) => event.kind === "started" && event.partition === partition && event.at >= since);
export const notes = (child: ChildMember, what: string) => child.events.filter((event) => event.kind === "note" && event.what === what);

/** What a process did from then on, in short. */
export const sinceThen = (child: ChildMember, since: number): string =>
	child.events
		.filter((event) => event.at >= since - 200)
		.slice(0, 12)
		.map((event) => `${event.at - since} ${eventLine(event)}`)
		.join(" ");

/** When the process did something again. */
export async function awake(child: ChildMember, since: number): Promise<number> {
	const event = () => child.events.find(({ kind, at }) => kind === "lost" && at > since);
	await until(() => event() !== undefined, "the blocked member has found out", 15_000);
	return event()?.at ?? since;
}

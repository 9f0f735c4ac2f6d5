// The contract among members in processes of their own, with the signals that hurt them.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import type { ChildMember, ChildOptions } from "../child.ts";
import type { CheckContext } from "../context.ts";
import type { Verdict } from "../history/check-history.ts";
import { eventLine, type HistoryEvent } from "../history/event.ts";
import { clock, delay, until, within } from "../time.ts";

interface Scene {
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
async function stage(ctx: CheckContext, partitions = 4): Promise<Scene> {
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
				20_000,
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

const killed = (member: string): HistoryEvent => ({ kind: "ended", at: clock.wall(), member, how: "killed" });
const firstOf = (child: ChildMember, partition: string, since: number) =>
	child.events.find((event) => event.kind === "started" && event.partition === partition && event.at >= since);
const notes = (child: ChildMember, what: string) => child.events.filter((event) => event.kind === "note" && event.what === what);

export const processChecks: readonly Check[] = [
	{
		id: "processes.share",
		promise:
			"contract points 1, 7, 8 and 9: members in several processes share a topic; a SIGTERM hands over within 2 s and doubles nothing",
		needs: ["multiProcess"],
		runs: "alone",
		async run(ctx) {
			const scene = await stage(ctx);
			// Long enough that nobody could take over in time if the process left without a word.
			const options = { sessionTimeoutMs: 6000 };
			const [a, b] = await Promise.all([scene.start("a", options), scene.start("b", options)]);
			await scene.untilShared([a, b]);
			await scene.untilFlowing([a, b]);
			const freed = a.owned();
			const start = clock.wall();
			a.signal("SIGTERM");
			await until(() => freed.every((partition) => firstOf(b, partition, start)), "the other takes over");
			const took = Math.max(...freed.map((partition) => firstOf(b, partition, start)?.at ?? 0)) - start;
			await within(6000, "the end of the process", () => a.gone);
			await scene.untilDrained(await scene.stop());
			const verdict = scene.verify();
			assert.ok(took < 2000, `the hand-over took ${took} ms`);
			assert.equal(verdict.duplicates, 0);
			assert.equal(verdict.ownerChanges >= freed.length, true);
		},
	},
	{
		id: "processes.kill-9",
		promise:
			"contract points 7, 8 and 9: kill -9 of a member is taken over within session + 2 heartbeats + 2 s; nothing is lost, only what was uncommitted comes again",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx);
			const [a, b] = await Promise.all([scene.start("a", { handlerMs: 5 }), scene.start("b", { handlerMs: 5 })]);
			await scene.untilShared([a, b]);
			await scene.untilFlowing([a, b]);
			const orphans = a.owned();
			const start = clock.wall();
			a.signal("SIGKILL");
			await a.gone;
			scene.note(killed("a"));
			await until(() => orphans.every((partition) => firstOf(b, partition, start)), "the survivor takes over", ctx.takeoverMs + 5000);
			const took = Math.max(...orphans.map((partition) => firstOf(b, partition, start)?.at ?? 0)) - start;
			await scene.untilDrained(await scene.stop());
			const verdict = scene.verify();
			assert.ok(took <= ctx.takeoverMs, `the take-over took ${took} ms, and ${ctx.takeoverMs} are allowed`);
			assert.ok(verdict.ownerChanges >= orphans.length);
		},
	},
	{
		id: "processes.zombie",
		promise:
			"contract points 5, 6 and 9: a member stopped for longer than its session and continued: its commit is FENCED, nothing regresses, it joins again by itself",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx);
			const [a, b] = await Promise.all([scene.start("a", { handlerMs: 80 }), scene.start("b", { handlerMs: 2 })]);
			await scene.untilShared([a, b]);
			await scene.untilFlowing([a, b]);
			const orphans = a.owned();
			await until(() => inHand(a).length > 0, "the member has a message in hand");
			a.signal("SIGSTOP");
			const start = clock.wall();
			await until(() => orphans.every((partition) => firstOf(b, partition, start)), "the other takes over", ctx.takeoverMs + 5000);
			await delay(300);
			const stood = await scene.committed();
			scene.note({ ...killed("a"), at: start });
			const woke = clock.wall();
			a.signal("SIGCONT");
			await until(
				() => notes(a, "commit-refused").length > 0,
				() => `the zombie's commit is refused (since it woke: ${sinceThen(a, woke)})`,
			);
			assert.deepEqual([...new Set(notes(a, "commit-refused").map((event) => (event.kind === "note" ? event.detail : "")))], ["FENCED"]);
			await until(() => a.owned().length === 2 && a.owned().some((partition) => firstOf(a, partition, woke)), "it works again", 15_000);
			for (const [index, offset] of await scene.committed())
				assert.ok(offset >= (stood.get(index) ?? 0n), `partition ${index} went back from ${stood.get(index)} to ${offset}`);
			const lost = a.events.findIndex((event) => event.kind === "lost");
			const next = a.events.findIndex((event) => event.kind === "started" && event.at >= woke);
			assert.ok(lost >= 0 && lost < next, "the zombie was handed something before it was told of its loss");
			await scene.untilDrained(await scene.stop());
			scene.verify();
		},
	},
	{
		id: "processes.short-stop",
		promise: "contract points 8 and 9: a member stopped for less than its session keeps its partitions, and nothing is doubled",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx);
			// The last sign of life may be a third of it old when the member is stopped.
			const options = { sessionTimeoutMs: 6000 };
			const [a, b] = await Promise.all([scene.start("a", options), scene.start("b", options)]);
			await scene.untilShared([a, b]);
			await scene.untilFlowing([a, b]);
			const [mine, others] = [a.owned(), b.owned()];
			a.signal("SIGSTOP");
			await delay(2400);
			a.signal("SIGCONT");
			await delay(600);
			assert.deepEqual([a.owned(), b.owned()], [mine, others]);
			await scene.untilDrained(await scene.stop());
			assert.equal(scene.verify().duplicates, 0);
		},
	},
	{
		id: "processes.blocked-event-loop",
		promise: "contract point 13: a handler that blocks the event loop past the session costs its own member, and nobody else",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx, 6);
			const [a, b, c] = await Promise.all([scene.start("a", { blockMs: 3 * ctx.sessionTimeoutMs }), scene.start("b"), scene.start("c")]);
			await scene.untilShared([a, b, c]);
			await scene.untilFlowing([a, b, c]);
			const orphans = a.owned();
			const kept = [...b.owned(), ...c.owned()];
			a.signal("SIGUSR2");
			await until(() => notes(a, "blocking").length > 0, "the handler blocks");
			const start = clock.wall();
			await until(
				() => orphans.every((partition) => firstOf(b, partition, start) ?? firstOf(c, partition, start)),
				"the others take over",
				ctx.takeoverMs + 3000,
			);
			for (const partition of kept) assert.ok(firstOf(b, partition, start) ?? firstOf(c, partition, start), `${partition} stood still`);
			for (const other of [b, c])
				assert.equal(
					other.events.some((event) => event.kind === "lost"),
					false,
					`${other.name} lost partitions too`,
				);
			scene.note({ ...killed("a"), at: start });
			const woke = await awake(a, start);
			await until(
				() => a.owned().length > 0 && a.owned().some((partition) => firstOf(a, partition, woke)),
				"the member works again",
				15_000,
			);
			await scene.untilDrained(await scene.stop());
			scene.verify();
		},
	},
	{
		id: "processes.rolling-restart",
		promise: "contract points 7, 8 and 9: restarting every process in turn loses nothing and doubles nothing",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx);
			let running = await Promise.all(["a1", "b1", "c1"].map((name) => scene.start(name)));
			await scene.untilShared(running);
			for (const old of running) {
				old.signal("SIGTERM");
				await within(6000, "the end of the process", () => old.gone);
				running = [...running.filter((child) => child !== old), await scene.start(`${old.name[0]}2`)];
				await scene.untilShared(running);
			}
			await scene.untilDrained(await scene.stop());
			assert.equal(scene.verify().duplicates, 0);
		},
	},
];

/** Messages that were started and are not finished. */
function inHand(child: ChildMember): HistoryEvent[] {
	const finished = new Set(child.events.flatMap((event) => (event.kind === "finished" ? [`${event.partition}@${event.offset}`] : [])));
	return child.events.filter((event) => event.kind === "started" && !finished.has(`${event.partition}@${event.offset}`));
}

/** What a process did from then on, in short. */
const sinceThen = (child: ChildMember, since: number): string =>
	child.events
		.filter((event) => event.at >= since - 200)
		.slice(0, 12)
		.map((event) => `${event.at - since} ${eventLine(event)}`)
		.join(" ");

/** When the process did something again. */
async function awake(child: ChildMember, since: number): Promise<number> {
	const event = () => child.events.find(({ kind, at }) => kind === "lost" && at > since);
	await until(() => event() !== undefined, "the blocked member has found out", 15_000);
	return event()?.at ?? since;
}

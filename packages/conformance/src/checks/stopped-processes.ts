// Members whose process stands still: stopped by a signal, or by a handler that holds its event loop.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import { clock, delay, until } from "../time.ts";
import { awake, firstOf, killed, notes, sinceThen, stage } from "./process-scene.ts";

export const stoppedProcessChecks: readonly Check[] = [
	{
		id: "processes.zombie",
		promise:
			"contract points 5, 6 and 9: a member stopped for longer than its session and continued: its commit is FENCED, nothing regresses, it joins again by itself",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx);
			const [a, b] = await Promise.all([scene.start("a", { blockMs: 2 * ctx.sessionTimeoutMs }), scene.start("b")]);
			await scene.untilShared([a, b]);
			await scene.untilFlowing([a, b]);
			const orphans = a.owned();
			// A message that is in hand for certain, however slowly they come.
			a.signal("SIGUSR2");
			await until(() => notes(a, "blocking").length > 0, "the member has a message in hand");
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
			// The last sign of life may be a third of it old when the member is stopped, and it is continued late on a busy machine.
			const options = { sessionTimeoutMs: 12_000 };
			const [a, b] = await Promise.all([scene.start("a", options), scene.start("b", options)]);
			await scene.untilShared([a, b]);
			await scene.untilFlowing([a, b]);
			const [mine, others] = [a.owned(), b.owned()];
			a.signal("SIGSTOP");
			await delay(4800);
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
			// The others' sessions do not end because the one that blocks takes a processor for itself; they do if all are blocked.
			const others = { sessionTimeoutMs: 2 * ctx.sessionTimeoutMs };
			const [a, b, c] = await Promise.all([
				scene.start("a", { blockMs: 3 * ctx.sessionTimeoutMs }),
				scene.start("b", others),
				scene.start("c", others),
			]);
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
];

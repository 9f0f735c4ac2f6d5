// The contract among members in processes of their own, with the signals that hurt them.
import assert from "node:assert/strict";
import type { Check } from "../check.ts";
import type { ChildMember } from "../child.ts";
import { clock, fair, until, within } from "../time.ts";
import { firstOf, killed, stage } from "./process-scene.ts";

/** How long these have waited for a processor since then, in ms. */
function waiting(...children: readonly ChildMember[]): () => number {
	const sum = () => children.reduce((total, child) => total + child.waited(), 0);
	const before = sum();
	return () => sum() - before;
}

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
			const waited = waiting(a, b);
			const start = clock.wall();
			a.signal("SIGTERM");
			await until(() => freed.every((partition) => firstOf(b, partition, start)), "the other takes over");
			const real = Math.max(...freed.map((partition) => firstOf(b, partition, start)?.at ?? 0)) - start;
			await within(6000, "the end of the process", () => a.gone);
			// Without a word it takes four seconds at the least.
			const took = fair(real, waited());
			await scene.untilDrained(await scene.stop());
			const verdict = scene.verify();
			assert.ok(took < 2000, `the hand-over took ${Math.round(took)} ms`);
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
			const waited = waiting(b);
			const start = clock.wall();
			a.signal("SIGKILL");
			await a.gone;
			scene.note(killed("a"));
			await until(() => orphans.every((partition) => firstOf(b, partition, start)), "the survivor takes over", ctx.takeoverMs + 5000);
			const took = fair(Math.max(...orphans.map((partition) => firstOf(b, partition, start)?.at ?? 0)) - start, waited());
			await scene.untilDrained(await scene.stop());
			const verdict = scene.verify();
			assert.ok(took <= ctx.takeoverMs, `the take-over took ${Math.round(took)} ms, and ${ctx.takeoverMs} are allowed`);
			assert.ok(verdict.ownerChanges >= orphans.length);
		},
	},
	{
		id: "processes.rolling-restart",
		promise: "contract points 7, 8 and 9: restarting every process in turn loses nothing and doubles nothing",
		needs: ["multiProcess"],
		runs: "processes",
		async run(ctx) {
			const scene = await stage(ctx);
			// None of them may end because its process waits for a processor.
			const options = { sessionTimeoutMs: 6000 };
			let running = await Promise.all(["a1", "b1", "c1"].map((name) => scene.start(name, options)));
			await scene.untilShared(running);
			for (const old of running) {
				old.signal("SIGTERM");
				await within(6000, "the end of the process", () => old.gone);
				running = [...running.filter((child) => child !== old), await scene.start(`${old.name[0]}2`, options)];
				await scene.untilShared(running);
			}
			await scene.untilDrained(await scene.stop());
			assert.equal(scene.verify().duplicates, 0);
		},
	},
];

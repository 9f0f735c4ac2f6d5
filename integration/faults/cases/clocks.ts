// The broker's own clock, and members of another version.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import { SESSION_MS, TAKEOVER_MS } from "../stage.ts";
import { slowest, takenOver } from "../takeover.ts";
import { startRedisWithClock } from "../redis-clock.ts";
import { delay, until } from "../waiting.ts";
import { twoAtWork } from "./members.ts";

export const clockCases: readonly FaultCase[] = [
	{
		id: "F26",
		fault: "the wall clock of the Redis server jumps 60 s ahead, then 120 s back",
		expected: "no effect at all: nobody loses anything, a death is taken over in time, nothing is lost or twice",
		on: ["redis"],
		smoke: false,
		async run(stage) {
			const clock = await startRedisWithClock();
			stage.moveTo(clock.server);
			const [a, b] = await twoAtWork(stage);
			for (const seconds of [60, -60]) {
				await clock.jump(seconds);
				await delay(2 * SESSION_MS);
			}
			assert.equal(
				[a, b].some(({ events }) => events.some(({ kind }) => kind === "lost")),
				false,
				"somebody lost something",
			);
			const orphans = a.owned();
			const at = Date.now();
			await a.kill();
			const taken = await takenOver({ victim: a, heirs: [b], orphans, at }, TAKEOVER_MS);
			assert.ok(slowest(taken) <= TAKEOVER_MS, `the take-over took ${slowest(taken)} ms`);
			return `no effect; taken over in ${slowest(taken)} ms under the wrong clock`;
		},
	},
	{
		id: "F47",
		fault: "a member of a later version of the group's protocol joins members of this one, and leaves them",
		expected: "the group runs at the lowest version of its members; both work, before and after",
		on: ["redis", "rabbitmq"],
		smoke: false,
		async run(stage) {
			await stage.make();
			const a = await stage.member("a");
			await stage.producer();
			await stage.handled(100);
			const later = { file: "packages/core/src/group-journal/timing.ts", find: "PROTOCOL_VERSION = 1", replace: "PROTOCOL_VERSION = 2" };
			const b = await stage.member("b", { mutation: later });
			await stage.shared([a, b]);
			await delay(2 * SESSION_MS);
			await a.close();
			await until(() => b.owned().length === 4, "the later one owns everything");
			const c = await stage.member("c");
			await stage.shared([b, c]);
			return "they share";
		},
	},
];

// Wall clocks that are wrong, or jump.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import { SESSION_MS } from "../stage.ts";
import { delay, until } from "../waiting.ts";
import { twoAtWork } from "./members.ts";
import { redisOf } from "./operating.ts";

const HOUR_MS = 3_600_000;
const JUMP_S = 60;

export const clockCases: readonly FaultCase[] = [
	{
		id: "F25",
		fault: "one member's wall clock is an hour ahead, another's an hour behind",
		expected: "no effect on ownership or commits",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: false,
		async run(stage) {
			await stage.make();
			const [a, b] = await Promise.all([stage.member("a", { wallOffsetMs: HOUR_MS }), stage.member("b", { wallOffsetMs: -HOUR_MS })]);
			await stage.producer();
			await stage.shared([a, b]);
			await delay(3 * SESSION_MS);
			assert.equal(
				[a, b].some(({ events }) => events.some(({ kind }) => kind === "lost")),
				false,
				"somebody lost something",
			);
			await a.kill();
			await until(() => b.owned().length === 4, "the one behind takes over", 60_000);
			const c = await stage.member("c", { wallOffsetMs: HOUR_MS });
			await stage.shared([b, c]);
			return "no effect";
		},
	},
	{
		id: "F26",
		fault: "Redis' own wall clock jumps 60 s ahead, then 60 s back behind the true time, then to it",
		expected: "no effect: no change of owner, nothing twice, the work goes on",
		on: ["redis"],
		smoke: false,
		hurtsBroker: true,
		movesClock: true,
		async run(stage) {
			const { clock } = stage.server;
			assert.ok(clock, "a clock that can jump needs a C compiler: apt-get install gcc libc6-dev");
			const members = await twoAtWork(stage);
			const redis = redisOf(await stage.connect());
			const off = async () => Number((await redis.time())[0]) - Date.now() / 1000;
			const start = Date.now();
			for (const seconds of [JUMP_S, -JUMP_S, 0]) {
				const jumped = Date.now();
				await clock.set(seconds);
				assert.ok(Math.abs((await off()) - seconds) < 5, `Redis' clock is off by ${await off()} s, not by ${seconds}`);
				await delay(2 * SESSION_MS);
				for (const member of members) assert.ok(member.started(jumped).length > 20, `${member.name} works on at ${seconds} s`);
			}
			const moved = members.flatMap(({ events }) => events.filter(({ kind, at }) => at > start && (kind === "lost" || kind === "revoked")));
			assert.deepEqual(moved, [], "a partition changed hands");
			return `no effect of ${JUMP_S} s ahead and ${2 * JUMP_S} s back`;
		},
	},
];

// What an operator does to a broker: limits, alarms, credentials.
import assert from "node:assert/strict";
import type { Broker } from "@polylog/core";
import type { RedisStreamsNative } from "@polylog/redis-streams";
import type { FaultCase } from "../fault-case.ts";
import type { Player } from "../player.ts";
import { SESSION_MS, type Stage } from "../stage.ts";
import { delay, until } from "../waiting.ts";
import { twoAtWork } from "./members.ts";

/** `rabbitmqctl` of the stage's RabbitMQ. */
export function controlOf(stage: Stage): (...args: readonly string[]) => Promise<string> {
	const { process } = stage.server;
	if (!process || !("control" in process)) throw new Error(`${stage.backend} has no rabbitmqctl`);
	return (...args) => process.control(...args);
}

export function redisOf(broker: Broker): NonNullable<RedisStreamsNative["client"]> {
	const { client } = broker.native<RedisStreamsNative>();
	if (!client) throw new Error("not connected");
	return client;
}

const codesSince = (player: Player, since: number) => [...new Set(player.notes("not-sent", since).map(({ detail }) => detail ?? ""))];

/** Counted from `since`: commits told, and partitions lost. */
function progress(members: readonly Player[], since: number): { commits: number; lost: number } {
	const events = members.flatMap(({ events }) => events.filter(({ at }) => at >= since));
	return { commits: events.filter(({ kind }) => kind === "committed").length, lost: events.filter(({ kind }) => kind === "lost").length };
}

export const operatingCases: readonly FaultCase[] = [
	{
		id: "F33",
		fault: "Redis is out of memory (maxmemory below what it holds) for three sessions",
		expected:
			"sends are repeated until their delivery timeout, then fail for BACKPRESSURE; heartbeats and commits go on, ownership stays; with room again it all goes on",
		on: ["redis"],
		smoke: true,
		hurtsBroker: true,
		async run(stage) {
			// Slow members: there is something left to commit while nothing can be sent.
			const broker = await stage.make();
			const [a, b] = await Promise.all([stage.member("a", { handlerMs: 40 }), stage.member("b", { handlerMs: 40 })]);
			const p = await stage.producer("p", { rate: 300, deliveryTimeoutMs: 2000 });
			await stage.shared([a, b]);
			await until(() => p.receipts().ok > 2000, "there is a backlog");
			const redis = redisOf(broker);
			await redis.config("SET", "maxmemory", "1mb");
			await p.caughtUp();
			const full = Date.now();
			await delay(3 * SESSION_MS);
			const { commits, lost } = progress([a, b], full);
			const receipts = p.receipts(full);
			const codes = codesSince(p, full);
			await redis.config("SET", "maxmemory", "0");
			const room = Date.now();
			assert.equal(receipts.ok, 0, "something was acknowledged by a full Redis");
			// "unknown" is what was on its way at its deadline.
			assert.deepEqual(
				codes.map((code) => code.replace(/^\w+ /, "")).filter((code, i, all) => all.indexOf(code) === i),
				["TIMEOUT (BACKPRESSURE)"],
			);
			assert.equal(lost, 0, "ownership changed");
			assert.ok(commits > 10, `${commits} commits while Redis was full`);
			await until(
				() => p.receipts(room).ok > 100,
				() => `the producer goes on (${p.tail()})`,
			);
			return `${receipts.failed} refused for BACKPRESSURE, ${commits} commits meanwhile`;
		},
	},
	{
		id: "F34",
		fault: "RabbitMQ raises its memory alarm for three sessions",
		expected: "nothing is acknowledged meanwhile; no partition changes hands; the group stalls or goes on, and works after it",
		on: ["rabbitmq"],
		smoke: true,
		hurtsBroker: true,
		mayStoreTwice: true,
		async run(stage) {
			const [a, b] = await twoAtWork(stage, { handlerMs: 20 });
			const hasty = await stage.producer("hasty", { deliveryTimeoutMs: 4000 });
			await until(() => hasty.receipts().ok > 20, "the second producer sends");
			const owned = [a.owned(), b.owned()];
			const control = controlOf(stage);
			await control("set_vm_memory_high_watermark", "0.0001");
			await delay(1500);
			await Promise.all(stage.players.map((player) => player.caughtUp()));
			const blocked = Date.now();
			await delay(3 * SESSION_MS);
			const { commits, lost } = progress([a, b], blocked);
			const receipts = stage.players.map((player) => player.receipts(blocked));
			const codes = codesSince(hasty, blocked);
			await control("set_vm_memory_high_watermark", "0.4");
			const free = Date.now();
			assert.equal(
				receipts.reduce((sum, { ok }) => sum + ok, 0),
				0,
				"something was acknowledged under the alarm",
			);
			assert.ok(codes.length > 0, "nothing was settled within its delivery timeout");
			await until(
				() => hasty.receipts(free).ok > 50,
				() => `the producer goes on (${hasty.tail()})`,
				60_000,
			);
			await until(
				() => [a, b].every((member) => member.started(free).length > 10),
				() => `the members go on (${a.tail()} | ${b.tail()})`,
				60_000,
			);
			const changed = lost > 0 || JSON.stringify([a.owned(), b.owned()]) !== JSON.stringify(owned);
			assert.equal(changed, false, "ownership changed");
			return `sends: ${codes.join(", ")}; ${commits} commits under the alarm; ownership unchanged`;
		},
	},
	{
		id: "F35",
		fault: "consumer_timeout of 1 min, a member paused for 3 min",
		expected: "no channel is closed; it goes on at the exact place",
		on: ["rabbitmq"],
		smoke: false,
		hurtsBroker: true,
		async run(stage) {
			const control = controlOf(stage);
			await control("eval", "application:set_env(rabbit, consumer_timeout, 60000).");
			await stage.make();
			const a = await stage.member("a");
			await stage.producer("p", { rate: 40 });
			await stage.handled(100);
			a.tell({ do: "pause" });
			await delay(1000);
			const paused = Date.now();
			await delay(180_000);
			assert.equal(a.started(paused).length, 0, "something was delivered while it was paused");
			assert.deepEqual(
				a.notes("log-warn", paused).map(({ detail }) => detail),
				[],
				"its connection was disturbed",
			);
			a.tell({ do: "resume" });
			await until(
				() => a.started(paused).length > 100,
				() => `it goes on (${a.tail()})`,
			);
			await control("eval", "application:set_env(rabbit, consumer_timeout, 1800000).");
			return "undisturbed";
		},
	},
];

// Brokers that die, freeze and stay away.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import type { Player } from "../player.ts";
import type { Stage } from "../stage.ts";
import { delay, until } from "../waiting.ts";
import { twoAtWork } from "./members.ts";

export function processOf(stage: Stage): NonNullable<Stage["server"]["process"]> {
	const { process } = stage.server;
	if (!process) throw new Error("the embedded backend has no process of its own");
	return process;
}

export const brokerOutageCases: readonly FaultCase[] = [
	{
		id: "F7",
		fault: "kill -9 of the broker under load, and its restart",
		expected: "every acknowledged message is there, once where the backend stores once; the members go on by themselves",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: true,
		hurtsBroker: true,
		mayStoreTwice: true,
		async run(stage) {
			const members = await twoAtWork(stage);
			const broker = processOf(stage);
			await broker.kill();
			await delay(stage.random.between(300, 1500));
			await broker.start();
			const back = Date.now();
			await until(() => members.every((member) => member.started(back).length > 20), "the members go on", 90_000);
			const [p] = stage.players.filter(({ role }) => role === "producer");
			await until(() => (p?.receipts(back).ok ?? 0) > 50, "the producer goes on", 90_000);
			const first = Math.min(...members.map((member) => member.started(back)[0]?.at ?? 0));
			return `first message ${first - back} ms after the restart`;
		},
	},
	{
		id: "F8",
		fault: "SIGSTOP of the broker for 20 s, then SIGCONT",
		expected: "nothing is acknowledged meanwhile; what was sent is settled; recovers by itself, nothing lost",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: true,
		hurtsBroker: true,
		mayStoreTwice: true,
		async run(stage) {
			const members = await twoAtWork(stage);
			// One that does not wait so long: its messages are settled during the stop.
			const hasty = await stage.producer("hasty", { deliveryTimeoutMs: 5000 });
			await until(() => hasty.receipts().ok > 50, "the second producer sends");
			const broker = processOf(stage);
			await broker.pause();
			// What was on its way when the broker froze.
			await Promise.all(stage.players.map((player) => player.caughtUp()));
			const frozen = Date.now();
			await delay(20_000);
			const during = stage.players.map((player) => player.receipts(frozen));
			const counts = hasty.receipts(frozen);
			await broker.resume();
			const back = Date.now();
			assert.equal(
				during.reduce((sum, { ok }) => sum + ok, 0),
				0,
				"acknowledged while the broker stood still",
			);
			assert.ok(counts.unknown + counts.failed > 0, "nothing was settled within its delivery timeout");
			await until(() => members.every((member) => member.started(back).length > 20), "the members go on", 90_000);
			return `${counts.unknown} unknown, ${counts.failed} failed while it stood still; first message ${Math.min(...members.map((m) => m.started(back)[0]?.at ?? 0)) - back} ms after it went on`;
		},
	},
	{
		id: "F9",
		fault: "the broker is stopped, for 5 minutes (30 s with --smoke)",
		expected:
			"sends fail with a typed error within their delivery timeout, or BUFFER_FULL at once; members wait without work: less than 5 % of a core; it all goes on",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: false,
		hurtsBroker: true,
		mayStoreTwice: true,
		async run(stage) {
			const members = await twoAtWork(stage);
			// A buffer for about a second of what it sends.
			const full = await stage.producer("full", {
				rate: 200,
				padBytes: 500,
				maxBufferedBytes: 100_000,
				onFull: "fail",
				deliveryTimeoutMs: 10_000,
			});
			await until(() => full.receipts().ok > 50, "the second producer sends");
			const broker = processOf(stage);
			await broker.stop();
			await full.caughtUp();
			const gone = Date.now();
			await delay(stage.short ? 30_000 : 300_000);
			const codes = new Set(full.notes("not-sent", gone).map(({ detail }) => detail ?? ""));
			const share = Math.max(...members.map((member) => cpuShare(member, gone + 5000)));
			await broker.start();
			const back = Date.now();
			assert.equal(full.receipts(gone).ok - full.receipts(back).ok, 0, "something was acknowledged by a stopped broker");
			assert.ok(
				[...codes].some((code) => code.includes("BUFFER_FULL")),
				`sends failed with ${[...codes].join(", ")}`,
			);
			assert.ok(
				[...codes].some((code) => /TIMEOUT \((CONNECTION_LOST|UNAVAILABLE|TIMEOUT)\)/.test(code)),
				`sends failed with ${[...codes].join(", ")}`,
			);
			assert.ok(share < 0.05, `a member without a broker takes ${Math.round(share * 1000) / 10} % of a core`);
			await until(() => members.every((member) => member.started(back).length > 20), "the members go on", 90_000);
			return `${[...codes].toSorted().join(", ")}; ${Math.round(share * 1000) / 10} % of a core`;
		},
	},
];

/** Of one core, from `since` on. */
function cpuShare(player: Player, since: number): number {
	const notes = player.notes("cpu-ms", since);
	const [first, last] = [notes[0], notes.at(-1)];
	assert.ok(first && last && last.at > first.at, `${player.name} told nothing of its use of the processor`);
	return (Number(last.detail) - Number(first.detail)) / (last.at - first.at);
}

// Members that die, leave, and stop for a while.
import assert from "node:assert/strict";
import type { FaultCase } from "../fault-case.ts";
import { type Stage, SESSION_MS, TAKEOVER_MS } from "../stage.ts";
import { repeated, slowest, slowestFair, takenOver } from "../takeover.ts";
import type { Player } from "../player.ts";
import { delay, until } from "../waiting.ts";

/** Two members that share a topic that is being fed. */
export async function twoAtWork(stage: Stage, options: Parameters<Stage["member"]>[1] = {}): Promise<readonly [Player, Player]> {
	await stage.make();
	const [a, b] = await Promise.all([stage.member("a", options), stage.member("b", options)]);
	await stage.producer();
	await stage.shared([a, b]);
	await stage.handled(100);
	return [a, b];
}

/** Waits until the member has something in hand, so that the fault hits it in the middle. */
async function busy(member: Player): Promise<void> {
	await until(
		() => member.inHand().length > 0,
		() => `${member.name} has a message in hand`,
	);
}

/** Stops members for longer than a session, one after the other, and continues them in the reverse order. */
async function stopped(stage: Stage, victims: readonly Player[], heirs: readonly Player[]): Promise<string> {
	// Each has a message in hand for certain, however slowly they come.
	for (const victim of victims) victim.tell({ do: "linger", ms: SESSION_MS });
	await until(
		() => victims.every((victim) => victim.notes("lingering").length > 0),
		() => `all have a message in hand (${victims.map((victim) => victim.tail()).join(" | ")})`,
	);
	const orphans = victims.map((victim) => victim.owned());
	const at = Date.now();
	for (const victim of victims) victim.signal("SIGSTOP");
	const faults = victims.map((victim, i) => ({ victim, heirs, orphans: orphans[i] ?? [], at }));
	const taken = (await Promise.all(faults.map((fault) => takenOver(fault, TAKEOVER_MS)))).flat();
	await delay(500);
	const observer = await stage.connect();
	const stood = await stage.groupOf(observer).committed();
	for (const victim of victims) victim.abandoned(at);
	const woke = Date.now();
	for (const victim of victims.toReversed()) victim.signal("SIGCONT");
	for (const victim of victims) await fencedAndBack(victim, woke);
	for (const [partition, offset] of await stage.groupOf(observer).committed()) {
		const before = [...stood].find(([known]) => known.index === partition.index)?.[1] ?? 0n;
		assert.ok(offset >= before, `the committed offset of partition ${partition.index} went back from ${before} to ${offset}`);
	}
	return `taken over in ${slowest(taken)} ms; fenced on waking`;
}

/** The zombie's commit is refused, it is told of its loss before anything else, and works again by itself. */
async function fencedAndBack(zombie: Player, woke: number): Promise<void> {
	await until(
		() => zombie.notes("commit-refused", woke).length > 0,
		() => `the commit of ${zombie.name} is refused (${zombie.tail()})`,
	);
	const codes = new Set(zombie.notes("commit-refused", woke).map(({ detail }) => detail));
	assert.deepEqual([...codes], ["FENCED"]);
	await until(
		() => zombie.owned().length > 0 && zombie.started(woke).length > 0,
		() => `${zombie.name} works again (${zombie.tail()})`,
		60_000,
	);
	const lost = zombie.events.findIndex(({ kind, at }) => kind === "lost" && at >= woke);
	const next = zombie.events.findIndex(({ kind, at }) => kind === "started" && at >= woke);
	assert.ok(lost >= 0 && lost < next, `${zombie.name} was handed something before it was told of its loss`);
}

export const memberCases: readonly FaultCase[] = [
	{
		id: "F1",
		fault: "kill -9 of a member in the middle of its work",
		expected: "the new owner goes on at the committed offset, within session + 2 heartbeats + 2 s; nothing is lost",
		on: ["memory", "redis", "rabbitmq", "kafka"],
		smoke: true,
		async run(stage) {
			const [a, b] = await twoAtWork(stage, { handlerMs: 5 });
			await busy(a);
			const orphans = a.owned();
			const at = Date.now();
			await a.kill();
			const taken = await takenOver({ victim: a, heirs: [b], orphans, at }, TAKEOVER_MS);
			assert.ok(slowestFair(taken) <= TAKEOVER_MS, `the take-over took ${slowest(taken)} ms, and ${Math.round(TAKEOVER_MS)} are allowed`);
			return `taken over in ${slowest(taken)} ms, ${repeated(taken)} repeated`;
		},
	},
	{
		id: "F2",
		fault: "SIGTERM to a member",
		expected: "hands over within 2 s; nothing is delivered twice",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: true,
		async run(stage) {
			// Without a word it takes five seconds at the least.
			const [a, b] = await twoAtWork(stage, { sessionTimeoutMs: 2 * SESSION_MS });
			const orphans = a.owned();
			const at = Date.now();
			a.signal("SIGTERM");
			const taken = await takenOver({ victim: a, heirs: [b], orphans, at }, 2000);
			await a.body.gone;
			assert.equal(repeated(taken), 0);
			assert.ok(slowestFair(taken) < 2000, `the hand-over took ${slowest(taken)} ms`);
			return `handed over in ${slowest(taken)} ms`;
		},
	},
	{
		id: "F3",
		fault: "SIGSTOP of a member for longer than its session, then SIGCONT",
		expected: "others take over; its pending commit is FENCED, it is told of its loss before any delivery; committed offsets never fall",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: true,
		async run(stage) {
			const [a, b] = await twoAtWork(stage, { handlerMs: 60, commit: "each" });
			return await stopped(stage, [a], [b]);
		},
	},
	{
		id: "F4",
		fault: "SIGSTOP of a member for half its session, then SIGCONT",
		expected: "no change of owner, nothing twice",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: true,
		async run(stage) {
			// The last sign of life may be a third of it old, and a busy machine continues the member late.
			const sessionTimeoutMs = 18_000;
			const [a, b] = await twoAtWork(stage, { sessionTimeoutMs });
			const owned = [a.owned(), b.owned()];
			a.signal("SIGSTOP");
			await delay(sessionTimeoutMs / 2);
			a.signal("SIGCONT");
			await delay(SESSION_MS);
			assert.deepEqual([a.owned(), b.owned()], owned);
			assert.equal(
				[a, b].some(({ events }) => events.some(({ kind }) => kind === "lost")),
				false,
			);
			return "nobody noticed";
		},
	},
	{
		id: "F5",
		fault: "as F3; after the member has joined again and owns the partition again, a message of before is committed",
		expected: "FENCED, though the same member owns the partition",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: false,
		async run(stage) {
			await stage.make();
			const a = await stage.member("a", { commit: "each", handlerMs: 5 });
			await stage.producer();
			await stage.handled(100);
			a.tell({ do: "hold" });
			await until(() => a.notes("held").length > 0, "a message is held");
			// Another one, so that there is somebody who takes the partitions.
			const b = await stage.member("b", { handlerMs: 5 });
			await stage.shared([a, b]);
			const at = Date.now();
			const orphans = a.owned();
			a.signal("SIGSTOP");
			await takenOver({ victim: a, heirs: [b], orphans, at }, TAKEOVER_MS);
			a.abandoned(at);
			a.signal("SIGCONT");
			await until(() => a.owned().length > 0 && a.started(at + SESSION_MS).length > 0, "the member works again", 60_000);
			b.signal("SIGTERM");
			await until(() => a.owned().length === 4, "it owns everything again", 60_000);
			a.tell({ do: "commit-held" });
			await until(() => a.notes("held-commit-refused").length + a.notes("held-commit-accepted").length > 0, "the commit is answered");
			assert.deepEqual(
				a.notes("held-commit-refused").map(({ detail }) => detail),
				["FENCED"],
			);
			return "refused";
		},
	},
	{
		id: "F6",
		fault: "SIGSTOP of two of three members at once, continued in the reverse order",
		expected: "one owner at all times; as F3 for both",
		on: ["redis", "rabbitmq", "kafka"],
		smoke: false,
		async run(stage) {
			await stage.make(6);
			const options = { handlerMs: 40, commit: "each" } as const;
			const [a, b, c] = await Promise.all([stage.member("a", options), stage.member("b", options), stage.member("c", options)]);
			await stage.producer();
			await stage.shared([a, b, c], 6);
			await stage.handled(100);
			return await stopped(stage, [a, b], [c]);
		},
	},
];

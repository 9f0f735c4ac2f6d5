// Connections that are reset, cut without a word, cut one way, or slow.
import assert from "node:assert/strict";
import type { Proxy } from "../../src/faults/proxy.ts";
import type { FaultCase } from "../fault-case.ts";
import type { Player } from "../player.ts";
import { type Stage, SESSION_MS, TAKEOVER_MS } from "../stage.ts";
import { slowest, takenOver } from "../takeover.ts";
import { delay, until } from "../waiting.ts";

const ALL = ["redis", "rabbitmq", "kafka"] as const;

/** Two members, the first of them behind a road that can be spoilt. */
async function oneOnTheRoad(stage: Stage, options: Parameters<Stage["member"]>[1] = {}) {
	await stage.make();
	const road = await stage.road();
	const [a, b] = await Promise.all([stage.member("a", { ...options, road }), stage.member("b", options)]);
	await stage.producer();
	await stage.shared([a, b]);
	await stage.handled(100);
	return { a, b, proxy: road.proxy };
}

/** In messages: it must not be sent already when the trap is set. */
const AHEAD = 50;
const SPRINGS_MS = 10_000;

/** Resets the connection at the reply to a coming message of "p", and says which; a later one where that was missed (it may lie in two chunks). */
async function cutAhead(proxy: Proxy, producer: Player): Promise<number> {
	for (let tries = 0; tries < 5; tries++) {
		const n = producer.receipts().ok + AHEAD;
		const sprung = proxy.cutOn(`"p-${n}"`, "reply").then(() => true);
		if (await Promise.race([sprung, delay(SPRINGS_MS).then(() => false)])) return n;
	}
	throw new Error(`no cut in five tries (${producer.tail()})`);
}

const lostAny = (member: Player) => member.events.some(({ kind }) => kind === "lost");

export const networkCases: readonly FaultCase[] = [
	{
		id: "F10",
		fault: "the connections of one member are reset, and refused for 3 s (session 12 s)",
		expected: "it reconnects and keeps what it owns; nothing twice",
		on: ALL,
		smoke: true,
		async run(stage) {
			const { a, b, proxy } = await oneOnTheRoad(stage, { sessionTimeoutMs: 12_000 });
			const owned = [a.owned(), b.owned()];
			proxy.refuse(true);
			await delay(3000);
			proxy.refuse(false);
			const back = Date.now();
			await until(
				() => a.started(back).length > 20,
				() => `the member goes on (${a.tail()})`,
				60_000,
			);
			assert.deepEqual([a.owned(), b.owned()], owned);
			assert.equal(lostAny(a), false, "it lost its partitions");
			return `first message ${(a.started(back)[0]?.at ?? 0) - back} ms after the connection was possible again`;
		},
	},
	{
		id: "F11",
		fault: "a black hole around one member, for longer than its session: no bytes, no reset; then all that was sent arrives",
		expected: "others take over; its work of before is FENCED; it works again by itself; one owner at all times",
		on: ALL,
		smoke: true,
		async run(stage) {
			const { a, b, proxy } = await oneOnTheRoad(stage, { commit: "each", handlerMs: 20 });
			await until(() => a.inHand().length > 0, "the member is busy");
			const orphans = a.owned();
			const at = Date.now();
			proxy.flow({ toBroker: "hold", toClient: "hold" });
			const taken = await takenOver({ victim: a, heirs: [b], orphans, at }, TAKEOVER_MS);
			a.abandoned(at);
			await delay(1000);
			proxy.heal();
			const healed = Date.now();
			await until(
				() => a.owned().length > 0 && a.started(healed).length > 0,
				() => `it works again (${a.tail()})`,
				90_000,
			);
			assert.ok(lostAny(a), "it was not told of its loss");
			await until(() => a.notes("commit-refused", at).length > 0, "its commits of before are answered");
			const refused = new Set(a.notes("commit-refused", at).map(({ detail }) => detail));
			assert.deepEqual([...refused], ["FENCED"], "what became of the commits of before");
			return `taken over in ${slowest(taken)} ms; it worked again ${(a.started(healed)[0]?.at ?? 0) - healed} ms after the heal`;
		},
	},
	{
		id: "F12",
		fault: "all replies to one member come 10 s late (session 30 s), for a while",
		expected: "what it commits is repeated until it is known; no commit that was told is missing",
		on: ALL,
		smoke: true,
		async run(stage) {
			const { a, proxy } = await oneOnTheRoad(stage, { sessionTimeoutMs: 30_000, commit: "each" });
			proxy.delayReplies(10_000);
			await delay(12_000);
			proxy.heal();
			const healed = Date.now();
			const before = a.committed();
			await until(
				() => [...a.committed()].some(([partition, offset]) => offset > (before.get(partition) ?? 0n)),
				() => `commits are accepted again (${a.tail()})`,
				60_000,
			);
			const told = a.committed();
			const broker = await stage.connect();
			for (const [partition, offset] of await stage.groupOf(broker).committed()) {
				const mine = told.get(`${partition.topic}/${partition.index}`);
				assert.ok(mine === undefined || offset >= mine, `a commit of ${mine} was told, and a fresh reader finds ${offset}`);
			}
			const refused = a.notes("commit-refused").length;
			return `commits again ${Date.now() - healed} ms after the heal, ${refused} refused`;
		},
	},
	{
		id: "F13",
		fault: "the producer's connection is reset between a message and its confirmation, three times",
		expected: "every message is settled as ok; one copy where the backend stores once, else two at most; order of first occurrences kept",
		on: ALL,
		smoke: true,
		mayStoreTwice: true,
		async run(stage) {
			await stage.make();
			const road = await stage.road();
			await stage.member("a");
			const p = await stage.producer("p", { road });
			for (let cuts = 0; cuts < 3; cuts++) {
				const n = await cutAhead(road.proxy, p);
				await until(
					() => p.receipts().ok > n,
					() => `message ${n} is settled (${p.tail()})`,
					60_000,
				);
			}
			assert.deepEqual([p.receipts().failed, p.receipts().unknown], [0, 0]);
			return "3 cuts";
		},
	},
	{
		id: "F14",
		fault: "what the broker says to a member and a producer is lost for 12 s, what they say arrives",
		expected: "nothing hangs: every send is settled, the group goes on, nothing is lost",
		on: ALL,
		smoke: true,
		mayStoreTwice: true,
		async run(stage) {
			await stage.make();
			const [ofMember, ofProducer] = [await stage.road(), await stage.road()];
			const [a, b] = await Promise.all([stage.member("a", { road: ofMember }), stage.member("b")]);
			const p = await stage.producer("p", { road: ofProducer });
			await stage.shared([a, b]);
			await stage.handled(100);
			const at = Date.now();
			for (const { proxy } of [ofMember, ofProducer]) proxy.flow({ toClient: "hold" });
			// Longer than its session: it counts as dead, and has to find that out.
			a.abandoned(at);
			await delay(SESSION_MS + 8000);
			for (const { proxy } of [ofMember, ofProducer]) proxy.heal();
			const healed = Date.now();
			await until(
				() => p.receipts(healed).ok > 100,
				() => `the producer goes on (${p.tail()})`,
				90_000,
			);
			await until(
				() => a.started(healed).length > 10 && b.started(healed).length > 10,
				() => `both members work (${a.tail()} | ${b.tail()})`,
				90_000,
			);
			const { failed, unknown } = p.receipts(at);
			return `${failed} failed, ${unknown} unknown`;
		},
	},
];

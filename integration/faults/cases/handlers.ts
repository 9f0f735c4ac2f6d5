// Handlers that are slow, hang, hold the event loop, or always fail.
import assert from "node:assert/strict";
import { type Broker, bytes, topic } from "@polylog/core";
import type { FaultCase } from "../fault-case.ts";
import { type Stage, SESSION_MS, TAKEOVER_MS } from "../stage.ts";
import { takenOver } from "../takeover.ts";
import { delay, until } from "../waiting.ts";
import { twoAtWork } from "./members.ts";

const ALL = ["redis", "rabbitmq", "kafka"] as const;
const POISON = "p-150";

async function letters(broker: Broker, name: string): Promise<number> {
	let count = 0;
	for await (const _ of broker.read(topic(name, { codec: bytes() }), { to: "latest" })) count++;
	return count;
}

async function poisoned(stage: Stage, options: Parameters<Stage["member"]>[1] = {}) {
	const broker = await stage.make();
	const deadLetter = `${stage.topic}.dead`;
	stage.topics.push(deadLetter);
	await broker.topics.create(deadLetter, { partitions: 1 });
	const choice = { poison: [POISON], deadLetter, retries: 2, ...options };
	const a = await stage.member("a", choice);
	await stage.producer();
	return { broker, deadLetter, choice, a };
}

export const handlerCases: readonly FaultCase[] = [
	{
		id: "F17",
		fault: "a handler takes three sessions",
		expected: "no change of owner; delivered once",
		on: ALL,
		smoke: true,
		async run(stage) {
			const [a, b] = await twoAtWork(stage);
			const owned = [a.owned(), b.owned()];
			a.tell({ do: "linger", ms: 3 * SESSION_MS });
			await until(() => a.notes("lingering").length > 0, "the handler takes its time");
			await delay(3 * SESSION_MS + 500);
			assert.deepEqual([a.owned(), b.owned()], owned);
			const places = [a, b].flatMap((member) => member.started().map(({ partition, offset }) => `${partition}@${offset}`));
			assert.equal(new Set(places).size, places.length, "something was delivered twice");
			return "one delivery";
		},
	},
	{
		id: "F18",
		fault: "a handler never ends (maxHandlerMs 2 s)",
		expected: "its partition is lost, the member's others go on; nothing is committed past its message; the next owner handles it",
		on: ALL,
		smoke: true,
		async run(stage) {
			const broker = await stage.make();
			const a = await stage.member("a", { hang: [POISON], maxHandlerMs: 2000 });
			await stage.producer();
			await until(() => a.inHand().some(({ id }) => id === POISON), "the handler hangs");
			const hung = a.inHand().find(({ id }) => id === POISON);
			assert.ok(hung);
			await until(
				() => a.notes("error").some(({ detail }) => detail === "HANDLER_TIMEOUT") || a.notes("lost").length > 0,
				() => `the partition is lost (${a.tail()})`,
				15_000,
			);
			const at = Date.now();
			await delay(2000);
			const others = () => new Set(a.started(at).map(({ partition }) => partition));
			await until(
				() => others().size >= 3,
				() => `the other partitions go on (${[...others()].join(", ")} do)`,
			);
			assert.equal(others().has(hung.partition), false, "the lost partition was delivered from");
			for (const [partition, offset] of await stage.groupOf(broker).committed())
				if (`${partition.topic}/${partition.index}` === hung.partition)
					assert.ok(offset <= hung.offset, `${offset} was committed, and ${hung.offset} hangs`);
			const b = await stage.member("b");
			await until(
				() => b.started().some(({ id }) => id === POISON),
				() => `the other member is handed the message (${b.tail()})`,
				60_000,
			);
			return "the other three partitions went on";
		},
	},
	{
		id: "F19",
		fault: "a handler holds the event loop for two sessions",
		expected: "its member fences itself on waking: told of its loss before any delivery, its commit FENCED; nothing regresses",
		on: ALL,
		smoke: true,
		async run(stage) {
			const [a, b] = await twoAtWork(stage, { commit: "each", handlerMs: 5 });
			const orphans = a.owned();
			a.tell({ do: "block", ms: 2 * SESSION_MS + 8000 });
			await until(() => a.notes("blocking").length > 0, "the handler holds the event loop");
			const at = Date.now();
			a.abandoned(at);
			await takenOver({ victim: a, heirs: [b], orphans, at }, TAKEOVER_MS);
			await until(() => a.notes("unblocked").length > 0, "it lets go");
			const woke = a.notes("unblocked")[0]?.at ?? 0;
			await until(
				() => a.owned().length > 0 && a.started(woke).length > 0,
				() => `the member works again (${a.tail()})`,
				60_000,
			);
			await until(() => a.notes("commit-refused", at).length > 0, "its commit is answered");
			assert.deepEqual([...new Set(a.notes("commit-refused", at).map(({ detail }) => detail))], ["FENCED"]);
			const lost = a.events.findIndex(({ kind, at }) => kind === "lost" && at >= woke);
			const next = a.events.findIndex(({ kind, at }) => kind === "started" && at > woke);
			assert.ok(lost >= 0 && lost < next, "it was handed something before it was told of its loss");
			return "fenced on waking";
		},
	},
	{
		id: "F20",
		fault: "a message whose handler always throws, with a dead-letter topic; then kill -9 between the dead letter and the commit",
		expected: "retried, then one dead letter, the order of the others kept; after the kill two letters at most, never none",
		on: ["memory", ...ALL],
		smoke: true,
		async run(stage) {
			// Commits nothing by itself: the kill comes between the letter and the commit.
			const { broker, deadLetter, choice, a } = await poisoned(stage, { commitIntervalMs: 600_000 });
			await until(
				async () => (await letters(broker, deadLetter)) > 0,
				() => `the dead letter is there (${a.tail()})`,
			);
			const tries = () => a.started().filter(({ id }) => id === POISON).length;
			await until(
				() => tries() >= 3,
				() => `it is tried three times (${tries()} times)`,
			);
			await until(() => a.started().length > 250, "the others go on");
			assert.equal(tries(), 3, "tries");
			assert.equal(await letters(broker, deadLetter), 1);
			await a.kill();
			const b = await stage.member("b", { ...choice, commitIntervalMs: 200 });
			await until(() => b.started().some(({ id }) => id === POISON), "the message comes again");
			await until(async () => (await letters(broker, deadLetter)) === 2, "its second letter is there");
			return "1 letter, 2 after the kill";
		},
	},
];

// Members that are moved: seeks with work in hand, resets under live members.
import assert from "node:assert/strict";
import { isPolylogError } from "@polylog/core";
import type { FaultCase } from "../fault-case.ts";
import { delay, until } from "../waiting.ts";
import { twoAtWork } from "./members.ts";

const ALL = ["redis", "rabbitmq", "kafka"] as const;

export const positionCases: readonly FaultCase[] = [
	{
		id: "F37",
		fault: "seek back while a message is in hand",
		expected: "after the seek no older message starts, the one in hand commits nothing; then from the start, in order",
		on: ["memory", ...ALL],
		smoke: true,
		async run(stage) {
			await stage.make(1);
			const a = await stage.member("a", { commitIntervalMs: 50 });
			await stage.producer("p", { count: 400, rate: 200 });
			await until(() => a.started().length > 100, "messages flow");
			a.tell({ do: "linger", ms: 1500 });
			await until(() => a.notes("lingering").length > 0, "a message is in hand");
			a.tell({ do: "seek", to: "earliest" });
			await until(
				() => a.notes("sought").length > 0,
				() => `the seek is done (${a.tail()})`,
			);
			const index = a.events.findIndex((event) => event.kind === "moved");
			const after = () => a.events.slice(index).filter((event) => event.kind === "started");
			await until(() => after().length > 50, "messages come again");
			const ids = after()
				.slice(0, 50)
				.map((event) => (event.kind === "started" ? event.id : ""));
			assert.deepEqual(
				ids,
				Array.from({ length: 50 }, (_, n) => `p-${n}`),
			);
			await until(() => a.started().some(({ id }) => id === "p-399"), "everything is handled again");
			return "from the start, in order";
		},
	},
	{
		id: "F38",
		fault: "seek to the start, then kill -9 before a commit",
		expected: "the next member starts where the group stood: a seek alone is not persisted",
		on: ["memory", ...ALL],
		smoke: false,
		async run(stage) {
			const broker = await stage.make(1);
			const a = await stage.member("a", { commit: "manual" });
			await stage.producer("p", { count: 200, rate: 400 });
			await until(() => a.started().length === 200, "everything is handled");
			a.tell({ do: "hold" });
			a.tell({ do: "seek", to: "earliest" });
			await until(() => a.notes("held").length > 0 && a.started().length >= 400, "everything is handled again");
			// Of the first message: the only commit there is.
			a.tell({ do: "commit-held" });
			await until(
				() => a.notes("held-commit-accepted").length > 0,
				() => `it is committed (${a.tail()})`,
			);
			a.tell({ do: "seek", to: "latest" });
			await until(() => a.notes("sought").length === 2, "the seek is done");
			const [stood] = [...(await stage.groupOf(broker).committed()).values()];
			await a.kill();
			const b = await stage.member("b");
			await until(() => b.started().length > 0, "the next member is handed something");
			assert.equal(b.started()[0]?.id, "p-1");
			assert.equal(b.started()[0]?.offset, stood);
			return "started at the committed place";
		},
	},
	{
		id: "F39",
		fault: "reset to the start of a group with live members; then the same with force",
		expected: "refused with GROUP_ACTIVE; with force the owners are fenced and everything comes again from the start",
		on: ALL,
		smoke: true,
		async run(stage) {
			const [a, b] = await twoAtWork(stage);
			const broker = await stage.connect();
			const group = stage.groupOf(broker);
			const refusal: unknown = await group.reset("earliest").then(
				() => undefined,
				(error: unknown) => error,
			);
			assert.ok(isPolylogError(refusal, "GROUP_ACTIVE"), `the reset of a live group gave ${String(refusal)}`);
			const [p] = stage.players.filter(({ role }) => role === "producer");
			p?.tell({ do: "stop" });
			await until(() => (p?.notes("stopped").length ?? 0) > 0, "sending is over");
			const at = Date.now();
			stage.moving("reset");
			await group.reset("earliest", { force: true });
			await until(
				() => [a, b].some((member) => member.notes("lost", at).length > 0),
				() => `the owners are told (${a.tail()} | ${b.tail()})`,
				60_000,
			);
			await until(
				() => [a, b].flatMap((member) => member.started(at)).some(({ id }) => id === "p-0"),
				() => `the first message comes again (${a.tail()} | ${b.tail()})`,
				60_000,
			);
			await delay(500);
			stage.moved("reset");
			return "GROUP_ACTIVE; with force from the start";
		},
	},
];

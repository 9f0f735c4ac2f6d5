// One part in a case, a member or a producer: the same in a process of its own and in this one.
import { type Broker, connect, type Log } from "@polylog/core";
import type { HistoryEvent } from "@polylog/conformance";
import { setTimeout as delay } from "node:timers/promises";
import { playMember } from "./member.ts";
import { playProducer } from "./producer.ts";
import type { Command, MemberTask, Task } from "./task.ts";

type WithoutTime<E> = E extends unknown ? Omit<E, "at"> : never;
/** Takes an event; the time is added. */
export type Tell = (event: WithoutTime<HistoryEvent>) => void;

export interface Play {
	/** It has ended by itself or by command; never rejects. */
	readonly done: Promise<void>;
	take(command: Command): Promise<void>;
}

export interface Playing extends Play {
	readonly brokers: readonly Broker[];
}

export async function play(task: Task, tell: Tell): Promise<Playing> {
	if (task.role === "member" && task.crowd !== undefined) return await crowd(task, task.crowd, tell);
	const log = telling(task.name, tell);
	const broker = await connect({ ...task.config, log, clientId: task.name });
	const part = task.role === "member" ? await playMember(broker, task, tell) : playProducer(broker, task, tell);
	return {
		brokers: [broker],
		done: part.done,
		async take(command) {
			if (command.do !== "close") return await part.take(command);
			const start = performance.now();
			await part.take({ do: "stop" });
			await broker.close({ deadlineMs: command.deadlineMs ?? 10_000 });
			// A handler that hangs keeps a member's work from ending.
			await Promise.race([part.done, delay(500)]);
			tell({ kind: "note", member: task.name, what: "closed", detail: `${Math.round(performance.now() - start)}` });
		},
	};
}

/** Several of the same, in one process. */
async function crowd(task: MemberTask, size: number, tell: Tell): Promise<Playing> {
	const { crowd: _, ...alone } = task;
	const all = await Promise.all(Array.from({ length: size }, (_, i) => play({ ...alone, name: `${task.name}.${i}` }, tell)));
	return {
		brokers: all.flatMap(({ brokers }) => brokers),
		done: Promise.all(all.map(({ done }) => done)).then(() => {}),
		async take(command) {
			await Promise.all(all.map((one) => one.take(command)));
		},
	};
}

/** What the library says by itself becomes part of the history. */
function telling(member: string, tell: Tell): Log {
	const line = (level: string) => (detail: string) => tell({ kind: "note", member, what: `log-${level}`, detail });
	return { info: () => {}, warn: line("warn"), error: line("error") };
}

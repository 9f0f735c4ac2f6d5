// The program of a member in a process of its own: told what to do on its standard input, tells its history on its
// standard output, one JSON line an event. Written synchronously, so that a kill loses nothing that happened.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { connect, type Member, type Message, type Partition, silentLog, topic } from "@polylog/core";
import { isPolylogError, partitionKey } from "@polylog/core/driver";
import type { RunnerTask } from "./child.ts";
import { eventLine, type HistoryEvent } from "./history/event.ts";
import type { Item } from "./recorder.ts";
import { clock, delay, waitedForProcessor } from "./time.ts";

const tell = (event: HistoryEvent): void => void writeSync(1, `${eventLine(event)}\n`);

async function firstLine(): Promise<string> {
	for await (const line of createInterface({ input: process.stdin })) return line;
	throw new Error("no task on the standard input");
}

async function main(): Promise<void> {
	const task = JSON.parse(await firstLine()) as RunnerTask;
	const { name: member } = task;
	const moved = (kind: "assigned" | "revoked" | "lost") => (partitions: readonly Partition[]) =>
		tell({ kind, at: clock.wall(), member, group: task.group, partitions: partitions.map(partitionKey) });
	const broker = await connect({ log: silentLog, ...task.config });
	broker.closeOnSignal({ deadlineMs: 5000 });
	const group = broker.consumerGroup<Item>(task.group, {
		topics: task.topics.map((name) => topic<Item>(name)),
		from: "earliest",
		...(task.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: task.sessionTimeoutMs }),
	});
	const joined = await group.join({
		onAssigned: moved("assigned"),
		onRevoked: moved("revoked"),
		onLost: moved("lost"),
		...(task.instanceId === undefined ? {} : { instanceId: task.instanceId }),
	});
	joined.on("committed", (offsets) => {
		for (const [partition, offset] of offsets)
			tell({ kind: "committed", at: clock.wall(), member, group: task.group, partition: partitionKey(partition), offset });
	});
	joined.on("error", (error) => tell({ kind: "note", at: clock.wall(), member, what: "error", detail: error.code }));
	tell({ kind: "note", at: clock.wall(), member, what: "joined", detail: joined.id });
	await work(task, joined);
	await broker.close();
}

async function work(task: RunnerTask, joined: Member<Item>): Promise<void> {
	const member = task.name;
	let blocking = false;
	process.on("SIGUSR2", () => {
		blocking = true;
	});
	const handle = async (message: Message<Item>) => {
		const of = { member, group: task.group, partition: partitionKey(message.partition), fence: message.fence };
		const place = { ...of, offset: message.offset };
		tell({ kind: "started", at: clock.wall(), ...place, id: `${message.value.n}`, key: message.key, attempt: message.attempt });
		if (task.handlerMs) await delay(task.handlerMs);
		if (blocking) {
			blocking = false;
			tell({ kind: "note", at: clock.wall(), member, what: "blocking" });
			block(task.blockMs ?? 0);
		}
		tell({ kind: "finished", at: clock.wall(), ...place });
		const asked = clock.wall();
		void joined.commit(message).then(
			() => tell({ kind: "committed", at: clock.wall(), asked, ...of, offset: message.offset + 1n }),
			(error: unknown) =>
				tell({
					kind: "note",
					at: clock.wall(),
					member,
					what: "commit-refused",
					detail: isPolylogError(error) ? error.code : String(error),
				}),
		);
	};
	try {
		await joined.run(handle, task.commitIntervalMs === undefined ? {} : { commitIntervalMs: task.commitIntervalMs });
		tell({ kind: "note", at: clock.wall(), member, what: "waited", detail: `${waitedForProcessor()}` });
		tell({ kind: "ended", at: clock.wall(), member, how: "closed" });
	} catch (error) {
		tell({ kind: "ended", at: clock.wall(), member, how: "failed", reason: isPolylogError(error) ? error.code : String(error) });
	}
}

/** Holds the event loop, as a handler with too much to compute does. */
function block(ms: number): void {
	const end = clock.now() + ms;
	while (clock.now() < end);
}

await main();

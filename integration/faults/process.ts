// The program of a member or producer in a process of its own: its task on the first line of its standard input, commands
// on the next ones, its history on its standard output. Written synchronously: a kill loses nothing that happened.
import { createInterface } from "node:readline";
import { writeSync } from "node:fs";
import { eventLine, type HistoryEvent } from "@polylog/conformance";
import { play, type Playing } from "./play.ts";
import type { Command, Task } from "./task.ts";

const MEMORY_MS = 500;

const now = Date.now.bind(Date);

async function begin(task: Task): Promise<Playing> {
	const { wallOffsetMs = 0, name: member } = task;
	if (wallOffsetMs !== 0) Date.now = () => now() + wallOffsetMs;
	const tell = (event: object) => void writeSync(1, `${eventLine({ at: now(), ...event } as HistoryEvent)}\n`);
	setInterval(() => {
		const { user, system } = process.cpuUsage();
		tell({ kind: "note", member, what: "rss", detail: String(Math.round(process.memoryUsage.rss() / 1e6)) });
		tell({ kind: "note", member, what: "cpu-ms", detail: String(Math.round((user + system) / 1000)) });
	}, MEMORY_MS).unref();
	const playing = await play(task, tell);
	for (const broker of playing.brokers) broker.closeOnSignal({ deadlineMs: 10_000 });
	return playing;
}

let playing: Playing | undefined;
for await (const line of createInterface({ input: process.stdin })) {
	if (!playing) {
		playing = await begin(JSON.parse(line) as Task);
	} else {
		const command = JSON.parse(line) as Command;
		const taken = playing.take(command);
		if (command.do !== "close") void taken;
		else await taken.then(() => process.exit(0));
	}
}

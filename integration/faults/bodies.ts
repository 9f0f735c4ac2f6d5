// The two places where a player lives: a process of its own, and (for the embedded backend, which is one process) this one.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { crash } from "@polylog/core/testing";
import { type HistoryEvent, parseEventLine, waitedForProcessor } from "@polylog/conformance";
import type { NodePlace } from "../src/brokers/node-network.ts";
import { mutated, type SourceMutation } from "../../scripts/source-mutation.ts";
import { play } from "./play.ts";
import type { Body } from "./player.ts";
import type { Task } from "./task.ts";

const PROGRAM = fileURLToPath(new URL("process.ts", import.meta.url));

interface Surroundings {
	readonly mutation?: SourceMutation | undefined;
	/** Default: this process' own network. */
	readonly place?: NodePlace | undefined;
}

/** Deals with signals as the system does. */
export function processBody(task: Task, events: HistoryEvent[], { mutation, place }: Surroundings): Body {
	const { execArgv, env } = mutation ? mutated(mutation) : { execArgv: ["--conditions=@polylog/source"], env: {} };
	const command = [process.execPath, ...execArgv, PROGRAM];
	const [program = process.execPath, ...words] = place ? place.enter(command) : command;
	const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
	// What it cannot be told any more it does not need to hear.
	child.stdin.on("error", () => {});
	const write = (line: object) => void child.stdin.write(`${JSON.stringify(line)}\n`);
	write(task);
	let said = "";
	child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
	createInterface({ input: child.stdout }).on("line", (line) => events.push(parseEventLine(line)));
	const gone = new Promise<Awaited<Body["gone"]>>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
	let waited = 0;
	return {
		gone,
		signal: (signal) => void child.kill(signal),
		take: write,
		said: () => said,
		waited: () => (waited = Math.max(waited, waitedForProcessor(String(child.pid)))),
	};
}

/** SIGKILL is `crash`, SIGTERM a close; it cannot be stopped and continued. */
export function localBody(task: Task, events: HistoryEvent[]): Body {
	const gone = Promise.withResolvers<Awaited<Body["gone"]>>();
	let said = "";
	let alive = true;
	const playing = play(task, (event) => {
		// A process that is dead tells nothing.
		if (alive) events.push({ at: Date.now(), ...event });
	});
	playing.catch((error: unknown) => {
		said += String(error);
		gone.resolve({ code: 1, signal: null });
	});
	const end = async (how: "kill" | "close", deadlineMs?: number) => {
		const playingNow = await playing;
		if (how === "kill") {
			alive = false;
			playingNow.brokers.forEach(crash);
		} else {
			await playingNow.take({ do: "close", ...(deadlineMs === undefined ? {} : { deadlineMs }) });
		}
		gone.resolve(how === "kill" ? { code: null, signal: "SIGKILL" } : { code: 0, signal: null });
	};
	return {
		gone: gone.promise,
		signal(signal) {
			if (signal === "SIGSTOP" || signal === "SIGCONT") throw new Error("a player in this process cannot be stopped");
			void end(signal === "SIGKILL" ? "kill" : "close");
		},
		take: (command) => void (command.do === "close" ? end("close", command.deadlineMs) : playing.then((now) => now.take(command))),
		said: () => said,
		waited: () => waitedForProcessor(),
	};
}

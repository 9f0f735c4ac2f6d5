// A member in a process of its own, seen from the kit: its history as it comes, and its signals.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { BrokerConfig } from "@polylog/core";
import { type HistoryEvent, parseEventLine } from "./history/event.ts";
import { until, waitedForProcessor } from "./time.ts";

export interface ChildOptions {
	readonly name: string;
	readonly group: string;
	readonly topics: readonly string[];
	readonly sessionTimeoutMs?: number;
	/** How long each handler takes. Default 0. */
	readonly handlerMs?: number;
	/** How long SIGUSR2 makes the next handler block the event loop. */
	readonly blockMs?: number;
	readonly instanceId?: string;
	readonly commitIntervalMs?: number;
}

export interface ChildMember {
	readonly name: string;
	/** It has joined. */
	readonly ready: Promise<void>;
	/** The process is gone. */
	readonly gone: Promise<void>;
	readonly events: readonly HistoryEvent[];
	owned(): readonly string[];
	/** How long its main thread has waited for a processor so far, in ms; when it has ended, as long as it told. */
	waited(): number;
	signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM" | "SIGUSR2"): void;
	/** SIGKILL, whatever its state. */
	kill(): void;
}

/** What the runner process is told on its standard input, as one line of JSON. */
export interface RunnerTask extends ChildOptions {
	readonly config: { readonly url: string };
}

export function spawnChild(config: BrokerConfig, options: ChildOptions): ChildMember {
	// The same extension as this file: source under the repository's own export condition, else what was built.
	const source = import.meta.url.endsWith(".ts");
	const runner = fileURLToPath(new URL(source ? "./runner.ts" : "./runner.js", import.meta.url));
	const child = spawn(process.execPath, [...(source ? ["--conditions=@polylog/source"] : []), runner], { stdio: ["pipe", "pipe", "pipe"] });
	const { log: _log, ...plain } = config;
	const task: RunnerTask = { ...options, config: plain };
	child.stdin.write(`${JSON.stringify(task)}\n`);
	return follow(child, options.name);
}

function follow(child: ChildProcess, name: string): ChildMember {
	const events: HistoryEvent[] = [];
	const said: string[] = [];
	child.stderr?.on("data", (data) => said.push(String(data)));
	if (child.stdout) createInterface({ input: child.stdout }).on("line", (line) => events.push(parseEventLine(line)));
	const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
	const joined = () => events.some((event) => event.kind === "note" && event.what === "joined");
	const ready = until(() => joined() || child.exitCode !== null, `process ${name} joined`, 30_000).then(() => {
		if (!joined()) throw new Error(`process ${name} ended before it joined: ${said.join("").slice(-2000)}`);
	});
	ready.catch(() => {});
	return {
		name,
		ready,
		gone,
		events,
		owned: () => ownedAfter(events),
		waited: () => {
			const told = events.findLast((event) => event.kind === "note" && event.what === "waited");
			return told?.kind === "note" ? Number(told.detail) : waitedForProcessor(String(child.pid));
		},
		signal: (signal) => void child.kill(signal),
		kill: () => void child.kill("SIGKILL"),
	};
}

function ownedAfter(events: readonly HistoryEvent[]): readonly string[] {
	const owned = new Set<string>();
	for (const event of events) {
		if (event.kind === "assigned") for (const partition of event.partitions) owned.add(partition);
		else if (event.kind === "revoked" || event.kind === "lost") for (const partition of event.partitions) owned.delete(partition);
	}
	return [...owned];
}

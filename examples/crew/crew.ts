// Members of a consumer group, in this process or as processes of their own. All of their results go through topics, so
// the two differ in nothing but how they begin and end.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Broker, connect } from "@polylog/core";
import { crash } from "@polylog/core/testing";

/**
 * What one member does until its broker is closed. `run` is the prefix of all names of this run, `batch` how many messages
 * it takes at a time.
 */
export type Work = (broker: Broker, run: string, batch: number) => Promise<void>;

/** A module that exports `work`, so that a process of its own can load it. */
export interface Worker {
	readonly work: Work;
	readonly url: string;
}

export interface CrewOptions {
	readonly url: string;
	readonly run: string;
	readonly processes: boolean;
	readonly worker: Worker;
	readonly batch: number;
}

interface Hand {
	/** Without goodbye: SIGKILL, or what comes closest to it in this process. */
	kill(): Promise<void>;
	/** Finishes what is in hand, commits and leaves. */
	stop(): Promise<void>;
}

export class Crew implements AsyncDisposable {
	readonly #options: CrewOptions;
	readonly #hands = new Map<string, Hand>();
	readonly #trouble = new AbortController();

	constructor(options: CrewOptions) {
		this.#options = options;
	}

	/** Aborts when a member failed. */
	get trouble(): AbortSignal {
		return this.#trouble.signal;
	}

	async hire(name: string): Promise<void> {
		const fail = (error: unknown) => this.#trouble.abort(error);
		this.#hands.set(name, await (this.#options.processes ? hireProcess : hireHere)(name, this.#options, fail));
	}

	async kill(name: string): Promise<void> {
		const hand = this.#hands.get(name);
		this.#hands.delete(name);
		await hand?.kill();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#hands.values()].map((hand) => hand.stop()));
		this.#hands.clear();
	}
}

async function hireHere(name: string, { url, run, worker, batch }: CrewOptions, fail: (error: unknown) => void): Promise<Hand> {
	const broker = await connect({ url, clientId: name });
	const ended = worker.work(broker, run, batch).catch(fail);
	return {
		kill: async () => crash(broker),
		stop: async () => {
			await broker.close({ deadlineMs: 5_000 });
			await ended;
		},
	};
}

const PROGRAM = fileURLToPath(new URL("member-process.ts", import.meta.url));

async function hireProcess(name: string, { url, run, worker, batch }: CrewOptions, fail: (error: unknown) => void): Promise<Hand> {
	// The URL may hold a password: in the environment it is not in the list of processes.
	const child = fork(PROGRAM, [worker.url, name, run, `${batch}`], { env: { ...process.env, POLYLOG_URL: url } });
	let ending = false;
	const exited = once(child, "exit").then(([code, signal]) => {
		if (!ending) fail(new Error(`member ${name} ended by itself (${signal ?? code})`));
	});
	const end = async (how: () => void) => {
		ending = true;
		how();
		await exited;
	};
	return { kill: () => end(() => child.kill("SIGKILL")), stop: () => end(() => child.connected && child.send("stop", () => {})) };
}

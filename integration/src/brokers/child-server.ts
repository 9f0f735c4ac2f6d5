// A broker that is a child process of the test: signals, logs, and nothing left behind.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningBroker } from "./broker.ts";
import type { NodePlace } from "./node-network.ts";
import { standsStill } from "./stands-still.ts";

const STOP_MS = 20_000;

export interface ChildServerOptions {
	readonly name: string;
	readonly command: string;
	/** Runs it there. Default: in this process' own network. */
	readonly place?: NodePlace | undefined;
	/** Where the folder for its data is made. Default: the system's temporary folder. */
	readonly root?: string;
	/** The arguments, given the folder for its data. */
	arguments(folder: string): readonly string[];
	/** Beside this process' own environment, given the folder. */
	environment?(folder: string): Readonly<Record<string, string>>;
	/** Resolves once it serves; called after every start. */
	ready(): Promise<void>;
}

/** Without what says which broker it is. */
type Controls = Omit<RunningBroker, "url" | "version" | "how" | "host" | "port">;

export class ChildServer {
	readonly #options: ChildServerOptions;
	readonly #folder: string;
	#child: ChildProcess | undefined;
	#output = "";
	readonly #onExit = () => {
		this.#child?.kill("SIGKILL");
		rmSync(this.#folder, { recursive: true, force: true });
	};

	private constructor(options: ChildServerOptions, folder: string) {
		this.#options = options;
		this.#folder = folder;
		process.once("exit", this.#onExit);
	}

	static async start(options: ChildServerOptions): Promise<ChildServer> {
		const server = new ChildServer(options, await mkdtemp(join(options.root ?? tmpdir(), `polylog-${options.name}-`)));
		try {
			await server.start();
			return server;
		} catch (error) {
			await server.dispose();
			throw error;
		}
	}

	async start(): Promise<void> {
		if (this.#child) throw new Error(`${this.#options.name} runs already`);
		const { place, command } = this.#options;
		const whole = [command, ...this.#options.arguments(this.#folder)];
		const [program = command, ...words] = place ? place.enter(whole) : whole;
		const child = spawn(program, words, {
			stdio: ["ignore", "pipe", "pipe"],
			cwd: this.#folder,
			env: { ...process.env, ...this.#options.environment?.(this.#folder) },
		});
		this.#child = child;
		const keep = (chunk: Buffer) => (this.#output += chunk.toString());
		child.stdout.on("data", keep);
		child.stderr.on("data", keep);
		const ended = new Promise<never>((_, reject) => {
			child.once("error", reject);
			child.once("exit", (code, signal) =>
				reject(new Error(`${this.#options.name} ended (${signal ?? code}):\n${this.#output.slice(-2000)}`)),
			);
		});
		await Promise.race([this.#options.ready(), ended]);
		ended.catch(() => undefined);
	}

	/** Ends it by SIGTERM, or by SIGKILL if that takes too long. */
	async stop(): Promise<void> {
		await this.#end("SIGTERM");
	}

	async kill(): Promise<void> {
		await this.#end("SIGKILL");
	}

	/** Resolves when it stands still. */
	async pause(): Promise<void> {
		const pid = this.#child?.pid;
		if (pid === undefined) return;
		this.#child?.kill("SIGSTOP");
		await standsStill(pid);
	}

	resume(): void {
		this.#child?.kill("SIGCONT");
	}

	logs(): string {
		return this.#output;
	}

	get folder(): string {
		return this.#folder;
	}

	/** What can be done to it, as every broker of the tests offers it. */
	controls(): Controls {
		return {
			start: () => this.start(),
			stop: () => this.stop(),
			kill: () => this.kill(),
			pause: () => this.pause(),
			resume: () => this.resume(),
			restart: async () => {
				await this.stop();
				await this.start();
			},
			logs: () => this.logs(),
			dispose: () => this.dispose(),
			[Symbol.asyncDispose]: () => this.dispose(),
		};
	}

	async dispose(): Promise<void> {
		await this.#end("SIGKILL");
		process.off("exit", this.#onExit);
		await rm(this.#folder, { recursive: true, force: true });
	}

	async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
		const child = this.#child;
		this.#child = undefined;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const exited = once(child, "exit");
		child.kill(signal);
		// A stopped process sleeps through SIGTERM.
		if (signal === "SIGTERM") child.kill("SIGCONT");
		const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
		await exited;
		clearTimeout(timer);
	}
}

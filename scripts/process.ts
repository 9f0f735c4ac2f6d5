// Runs commands and keeps what they print.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { ROOT } from "./packages.ts";

/** The repository's own tools first, its Node among them. */
const PATH = [join(ROOT, "node_modules/.bin"), process.env["PATH"]].join(delimiter);

/** Tools see a pipe, and some of them colour it when CI is set. */
const COLOR = process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1", FORCE_COLOR: undefined };

export interface Execution {
	/** The exit code; null if a signal ended the command or it could not be started. */
	readonly code: number | null;
	readonly output: string;
	readonly seconds: number;
}

export interface ExecuteOptions {
	readonly cwd?: string;
	readonly env?: NodeJS.ProcessEnv;
	/** Passes the output on as it comes, besides keeping it. */
	readonly echo?: boolean;
}

/** Never rejects: a command that cannot be started has code null and says why in its output. */
export function execute(command: readonly string[], options: ExecuteOptions = {}): Promise<Execution> {
	const [file = "", ...args] = command;
	const started = performance.now();
	const chunks: Buffer[] = [];
	return new Promise((done) => {
		const finish = (code: number | null) =>
			done({ code, output: Buffer.concat(chunks).toString(), seconds: (performance.now() - started) / 1000 });
		const child = spawn(file, args, {
			cwd: options.cwd ?? ROOT,
			env: { ...process.env, PATH, ...COLOR, ...options.env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		for (const stream of [child.stdout, child.stderr]) {
			stream.on("data", (chunk: Buffer) => {
				chunks.push(chunk);
				if (options.echo) process.stdout.write(chunk);
			});
		}
		child.on("error", (error) => {
			chunks.push(Buffer.from(`${file}: ${error.message}\n`));
			finish(null);
		});
		child.on("close", finish);
	});
}

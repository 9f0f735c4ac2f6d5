// Commands that set something up: what they print is kept for the error they may end with.
import { spawn } from "node:child_process";

export interface CommandOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly timeoutMs?: number;
	/** Ended if it has printed nothing for this long. */
	readonly silenceMs?: number;
}

const KEPT = 20_000;

/** Its output; rejects with the end of it unless the command ends with 0. */
export function run(command: readonly string[], options: CommandOptions = {}): Promise<string> {
	const [file = "", ...args] = command;
	return new Promise((resolve, reject) => {
		const child = spawn(file, args, {
			...(options.cwd === undefined ? {} : { cwd: options.cwd }),
			env: { ...process.env, ...options.env },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let output = "";
		let ended = "";
		const end = (why: string) => {
			ended = why;
			child.kill("SIGKILL");
		};
		const limit = options.timeoutMs === undefined ? undefined : setTimeout(end, options.timeoutMs, `not done in ${options.timeoutMs} ms`);
		const silence = options.silenceMs === undefined ? undefined : setTimeout(end, options.silenceMs, `silent for ${options.silenceMs} ms`);
		const finish = () => {
			clearTimeout(limit);
			clearTimeout(silence);
		};
		for (const stream of [child.stdout, child.stderr]) {
			stream.on("data", (chunk: Buffer) => {
				output = (output + chunk.toString()).slice(-KEPT);
				silence?.refresh();
			});
		}
		child.once("error", (error) => {
			finish();
			reject(new Error(`${file}: ${error.message}`, { cause: error }));
		});
		child.once("close", (code, signal) => {
			finish();
			if (code === 0) resolve(output);
			else reject(new Error(`${command.join(" ")}: ${ended || `ended with ${signal ?? code}`}\n${output.slice(-1500).trim()}`));
		});
	});
}

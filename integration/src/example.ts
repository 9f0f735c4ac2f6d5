// An example as a user starts it: a process of its own, with its results in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { connect } from "@polylog/core";

const LONGEST_MS = 140_000;
const ROOT = resolve(import.meta.dirname, "../..");

export interface EndedExample {
	readonly code: number | null;
	readonly output: string;
}

export interface ExampleRun extends AsyncDisposable {
	/** Ends it as Ctrl-C does as soon as its output matches. */
	interruptAt(pattern: RegExp): void;
	readonly ended: Promise<EndedExample>;
	/** What it wrote. */
	result(file: string): Promise<string>;
}

export async function startExample(name: string, url: string, ...args: readonly string[]): Promise<ExampleRun> {
	const folder = await mkdtemp(join(tmpdir(), `polylog-${name}-`));
	const child = spawn(
		process.execPath,
		["--conditions=@polylog/source", join(ROOT, `examples/${name}/main.ts`), "--out", folder, ...args],
		{ cwd: ROOT, env: { ...process.env, POLYLOG_URL: url }, stdio: ["ignore", "pipe", "pipe"] },
	);
	// What hangs is ended before the test gives up, so that its output is seen.
	const limit = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
	let interruptAt: RegExp | undefined;
	const ended = untilEnd(child, (output) => {
		if (!interruptAt?.test(output)) return;
		interruptAt = undefined;
		child.kill("SIGINT");
	});
	return {
		interruptAt: (pattern) => (interruptAt = pattern),
		ended,
		result: (file) => readFile(join(folder, file), "utf8"),
		[Symbol.asyncDispose]: async () => {
			clearTimeout(limit);
			child.kill("SIGKILL");
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** What runs whose names begin so left on the broker. */
export async function leftBehind(url: string, prefix: string): Promise<string[]> {
	await using broker = await connect(url);
	return [...(await broker.topics.list()), ...(await broker.consumerGroups())].filter((name) => name.startsWith(prefix));
}

async function untilEnd(child: ChildProcess, onOutput: (output: string) => void): Promise<EndedExample> {
	let output = "";
	for (const stream of [child.stdout, child.stderr])
		stream?.on("data", (chunk: Buffer) => {
			output += chunk.toString();
			onOutput(output);
		});
	const [code] = (await once(child, "close")) as [number | null];
	return { code, output };
}

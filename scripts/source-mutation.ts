// Breaks one expression of core's source in a child process, to prove that a check notices. As `--import` of a process it
// replaces what POLYLOG_MUTATION names, and fails loudly if that is not in the file exactly once, or never loaded.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./packages.ts";

export interface SourceMutation {
	/** From the repository's root: "packages/core/src/group-journal/fold.ts". */
	readonly file: string;
	readonly find: string;
	readonly replace: string;
}

const VARIABLE = "POLYLOG_MUTATION";

/** How to start `node` so that it runs the mutated source (vitest loads modules by itself: run a plain program). */
export function mutated(mutation: SourceMutation): { execArgv: string[]; env: Record<string, string> } {
	return {
		execArgv: ["--conditions=@polylog/source", `--import=${import.meta.filename}`],
		env: { [VARIABLE]: JSON.stringify(mutation) },
	};
}

/** How often the file has what is to be replaced: once, or the mutation is out of date. */
export function placesOf({ file, find }: SourceMutation): number {
	return readFileSync(join(ROOT, file), "utf8").split(find).length - 1;
}

function install({ file, find, replace }: SourceMutation): void {
	const target = pathToFileURL(join(ROOT, file)).href;
	let loaded = false;
	registerHooks({
		load(url, context, nextLoad) {
			const result = nextLoad(url, context);
			if (url.split("?")[0] !== target) return result;
			loaded = true;
			const source = typeof result.source === "string" ? result.source : Buffer.from(result.source as Uint8Array).toString();
			const pieces = source.split(find);
			if (pieces.length !== 2) throw new Error(`mutation: ${JSON.stringify(find)} is ${pieces.length - 1} times in ${file}, not once`);
			return { ...result, source: pieces.join(replace) };
		},
	});
	process.on("exit", () => {
		if (loaded) return;
		console.error(`mutation: ${file} was never loaded`);
		process.exitCode = 70;
	});
}

const wanted = process.env[VARIABLE];
if (wanted !== undefined && process.execArgv.some((argument) => argument === `--import=${import.meta.filename}`))
	install(JSON.parse(wanted) as SourceMutation);

// A wall clock of a server's own, which can jump. (libfaketime does the same to any program but Redis, whose jemalloc it
// hangs in.)
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findProgram } from "../brokers/debian.ts";

const SOURCE = fileURLToPath(new URL("wall-clock.c", import.meta.url));

export interface WallClock extends AsyncDisposable {
	/** What the server is to be started with. */
	readonly environment: Readonly<Record<string, string>>;
	/** Puts it so many seconds ahead of the true time; below 0: behind. */
	set(seconds: number): Promise<void>;
}

/** `undefined` where there is no C compiler (Debian: gcc, libc6-dev). */
export async function makeWallClock(): Promise<WallClock | undefined> {
	const compiler = ["cc", "gcc", "clang"].map((name) => findProgram(name)).find((found) => found !== undefined);
	if (compiler === undefined) return undefined;
	const folder = await mkdtemp(join(tmpdir(), "polylog-clock-"));
	const [library, offset] = [join(folder, "wall-clock.so"), join(folder, "offset")];
	await writeFile(offset, "0");
	await promisify(execFile)(compiler, ["-shared", "-fPIC", "-O2", "-o", library, SOURCE]);
	return {
		environment: { LD_PRELOAD: library, POLYLOG_CLOCK: offset },
		set: (seconds) => writeFile(offset, String(seconds)),
		[Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
	};
}

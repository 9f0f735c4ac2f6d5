// A stop signal is taken when one of the process' threads next has a processor: until then the others run on, on a busy
// machine long enough to answer once more.
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 2;
/** It may have been continued meanwhile. */
const LONGEST_MS = 5000;
/** Where there is no /proc to look at. */
const BLIND_MS = 50;

/** Resolves when no thread of the process runs any more, or after five seconds. */
export async function standsStill(pid: number): Promise<void> {
	if (process.platform !== "linux") return await sleep(BLIND_MS);
	const end = Date.now() + LONGEST_MS;
	while (Date.now() < end && (await states(pid)).some((state) => !"TtZX".includes(state))) await sleep(LOOK_MS);
}

/** A letter for each thread, as proc(5) has them; none for a process that is gone. */
async function states(pid: number): Promise<string[]> {
	const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
	const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8").catch(() => "")));
	// The name before it may hold anything, parentheses too.
	return stats.filter((stat) => stat !== "").map((stat) => stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "");
}

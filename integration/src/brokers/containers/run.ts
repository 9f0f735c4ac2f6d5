// A run: the process whose end makes its containers superfluous. Containers carry its name, so that a later run can tell.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

const VARIABLE = "POLYLOG_TEST_RUN";

/** "HOST/PID/START": the start time tells a process from a later one with its number. */
export interface RunName {
	readonly host: string;
	readonly pid: number;
	readonly start: string;
}

export function parseRun(text: string): RunName | undefined {
	const [host, pid, start, ...rest] = text.split("/");
	if (!host || !pid || !/^[1-9]\d*$/.test(pid) || start === undefined || rest.length > 0) return undefined;
	return { host, pid: Number(pid), start };
}

/** The run this process is part of: the one that started it, else itself. */
export function currentRun(): string {
	return process.env[VARIABLE] ?? ownRun();
}

/** Makes this process a run, and every process it starts a part of it, unless it is part of one; whether it did. */
export function beginRun(): boolean {
	if (process.env[VARIABLE] !== undefined) return false;
	process.env[VARIABLE] = ownRun();
	return true;
}

/** Of another machine's run nothing is known: it counts as alive. */
export function isAlive(run: string, here = hostname(), startOf = startTime): boolean {
	const name = parseRun(run);
	if (!name) return false;
	return name.host !== here || startOf(name.pid) === name.start;
}

function ownRun(): string {
	return `${hostname()}/${process.pid}/${startTime(process.pid) ?? ""}`;
}

/** Undefined if there is no such process; "" where the system does not tell when it started. */
function startTime(pid: number): string | undefined {
	try {
		process.kill(pid, 0);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
	}
	if (process.platform !== "linux") return "";
	try {
		// Field 22; the second, the program's name, may hold anything in its parentheses.
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
	} catch {
		return undefined;
	}
}

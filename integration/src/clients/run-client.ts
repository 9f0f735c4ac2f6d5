// One run of a foreign client's program: what it reads on its standard input, what it gives on its standard output.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** A broker that answers needs a second; a client that waits for records that never come would wait for ever. */
const LIMIT_MS = 60_000;

/** Its standard output; rejects with what it said on the other one if it ends with anything but 0. */
export async function runClient(command: string, args: readonly string[], input = ""): Promise<string> {
	const child = spawn(command, args, { stdio: "pipe", signal: AbortSignal.timeout(LIMIT_MS) });
	// A client that ends early says why itself.
	child.stdin.on("error", () => undefined);
	child.stdin.end(input);
	const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
	if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${complaint || output}`);
	return output;
}

/** Lines of JSON, one for each item. */
export function jsonLines(items: readonly unknown[]): string {
	return items.map((item) => `${JSON.stringify(item)}\n`).join("");
}

export function readJsonLines(output: string): unknown[] {
	return output
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as unknown);
}

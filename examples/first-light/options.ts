// What can be said on the command line, and which backend is asked for.
import { parseArgs } from "node:util";
import { PARTITIONS } from "./flights.ts";

export const USAGE = `first light: 200,000 flights through one topic, a consumer group that loses a member and gains one

  npm start                            on the embedded backend, in this process
  POLYLOG_URL=redis://HOST npm start   the same on a broker
  npm start -- [OPTIONS]

  --processes    every member is a process of its own; the lost one is ended by SIGKILL (needs a broker)
  --members N    how many members begin, from 2 to ${PARTITIONS} (default 3)
  --help         this text`;

export interface Options {
	readonly processes: boolean;
	readonly members: number;
	readonly help: boolean;
}

/** Throws an error that says what is wrong; its message is meant for the user. */
export function parseOptions(args: readonly string[]): Options {
	const { values } = parseArgs({
		args: [...args],
		options: { processes: { type: "boolean" }, members: { type: "string" }, help: { type: "boolean", short: "h" } },
	});
	const members = Number(values.members ?? 3);
	if (!Number.isInteger(members) || members < 2 || members > PARTITIONS) {
		throw new Error(
			`--members must be a whole number from 2 to ${PARTITIONS}, not ${values.members}: one is killed, and another must take over`,
		);
	}
	return { processes: values.processes ?? false, members, help: values.help ?? false };
}

/** The embedded backend is never chosen silently: it is asked for here, by a name that lets several connections share it. */
export function backendUrl(env: NodeJS.ProcessEnv): string {
	const url = env["POLYLOG_URL"];
	return !url || url === "memory:" ? "memory:first-light" : url;
}

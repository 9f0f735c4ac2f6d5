// What the three jobs have in common: the command line, the broker, Ctrl-C, and the exit code.
import { parseArgs } from "node:util";
import { type Broker, connect, isPolylogError } from "@polylog/core";
import { Screen } from "./screen.ts";

const WRONG_USE = 2;
const INTERRUPTED = 130;
/** What a broker that allows no shorter session by default (Kafka) does allow. */
const SESSION_MS = 6_000;
/** Where the broker lets us, so that the group notices a killed member soon. */
const SHORT_SESSION_MS = 2_000;

export interface Stage {
	readonly broker: Broker;
	readonly url: string;
	/** The prefix of all names on the broker: a second start with the same goes on where the first one stopped. */
	readonly run: string;
	readonly processes: boolean;
	/** The numbers that the job asks for, by the names of its own options. */
	readonly numbers: Readonly<Record<string, number>>;
	/** Whether each of the job's own switches was given. */
	readonly flags: Readonly<Record<string, boolean>>;
	readonly out: string;
	readonly screen: Screen;
	/** Aborts on Ctrl-C. */
	readonly signal: AbortSignal;
}

export interface Job {
	readonly name: string;
	readonly about: string;
	/** Further options that take a number: their defaults and what they mean. */
	readonly numbers: Readonly<Record<string, { readonly default: number; readonly about: string }>>;
	/** Further switches, and what they mean. */
	readonly flags?: Readonly<Record<string, string>>;
	/** Does the job; returns whether everything that was checked holds. */
	run(stage: Stage): Promise<boolean>;
}

export function sessionTimeoutMs(broker: Broker): number {
	return broker.name === "kafka" ? SESSION_MS : SHORT_SESSION_MS;
}

/** Runs the job as the program of this process. */
export async function main(job: Job): Promise<void> {
	process.exitCode = await runJob(job);
}

async function runJob(job: Job): Promise<number> {
	const name = job.name;
	let options: ReturnType<typeof parse>;
	try {
		options = parse(job);
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage(job)}`);
		return WRONG_USE;
	}
	if (options.help) {
		console.log(usage(job));
		return 0;
	}
	const interrupted = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
	const screen = new Screen();
	try {
		const url = backendUrl(name);
		await using broker = await connect({ url, clientId: name, require: options.processes ? ["multiProcess"] : [] });
		const { run, processes, numbers, flags, out } = options;
		return (await job.run({ broker, url, run, processes, numbers, flags, out, screen, signal: interrupted.signal })) ? 0 : 1;
	} catch (error) {
		screen.say(
			`${name}: ${interrupted.signal.aborted ? String(interrupted.signal.reason.message) : String(error instanceof Error ? error.message : error)}`,
		);
		if (interrupted.signal.aborted)
			screen.say(
				backendUrl(name).startsWith("memory:")
					? "the embedded backend ends with its process: started again, it begins anew"
					: "started again on the same broker, it goes on where it stopped",
			);
		if (isPolylogError(error, "UNSUPPORTED")) screen.say("with --processes, name a broker: POLYLOG_URL=redis://127.0.0.1:6379");
		return interrupted.signal.aborted ? INTERRUPTED : 1;
	}
}

/** The embedded backend is never chosen silently: it is asked for here, by a name that lets several connections share it. */
function backendUrl(name: string): string {
	const url = process.env["POLYLOG_URL"];
	return !url || url === "memory:" ? `memory:${name}` : url;
}

function parse(job: Job) {
	const { values } = parseArgs({
		options: {
			processes: { type: "boolean", default: false },
			run: { type: "string", default: job.name },
			out: { type: "string", default: `.cache/examples/${job.name}` },
			help: { type: "boolean", short: "h", default: false },
			...Object.fromEntries(Object.keys(job.numbers).map((name) => [name, { type: "string" as const }])),
			...Object.fromEntries(Object.keys(job.flags ?? {}).map((name) => [name, { type: "boolean" as const }])),
		},
	});
	const given = values as Readonly<Record<string, unknown>>;
	const numbers = Object.fromEntries(
		Object.entries(job.numbers).map(([name, option]) => {
			const value = Number(given[name] ?? option.default);
			if (!Number.isSafeInteger(value) || value < 1)
				throw new Error(`--${name} must be a whole number above 0, not ${String(given[name])}`);
			return [name, value];
		}),
	);
	const flags = Object.fromEntries(Object.keys(job.flags ?? {}).map((name) => [name, given[name] === true]));
	return { flags, processes: values.processes, run: values.run, out: values.out, help: values.help, numbers };
}

function usage({ name, about, numbers, flags = {} }: Job): string {
	const own = [
		...Object.entries(numbers).map(([option, { about: meaning, default: value }]) => [`${option} N`, `${meaning} (default ${value})`]),
		...Object.entries(flags),
	].map(([option, meaning]) => `  --${option}`.padEnd(16) + meaning);
	return `${about}

  npm run example:${name}                            on the embedded backend, in this process
  POLYLOG_URL=redis://HOST npm run example:${name}   the same on a broker
  npm run example:${name} -- [OPTIONS]

${own.join("\n")}
  --processes   every member is a process of its own, ended by SIGKILL (needs a broker)
  --run NAME    prefix of all names on the broker (default ${name})
  --out DIR     where results are written (default .cache/examples/${name})
  --help        this text`;
}

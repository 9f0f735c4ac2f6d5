// `npm start`: 200,000 flights through a topic of 8 partitions into a consumer group that loses a member and gains one.
// Ends with 0 only if nothing was lost and everything else that the report claims holds.
import { type Broker, connect, isPolylogError, topologyMermaid } from "@polylog/core";
import { hireHere } from "./crew.ts";
import { hireProcess } from "./crew-processes.ts";
import { endGroup } from "./end-group.ts";
import { flightsTopic, loadFlights, PARTITIONS } from "./flights.ts";
import type { Names, Store } from "./member.ts";
import { backendUrl, type Options, parseOptions, USAGE } from "./options.ts";
import { Screen, whole } from "./progress.ts";
import { claims, reportLines } from "./report.ts";
import { FirstLight } from "./run.ts";

const WRONG_USE = 2;
const INTERRUPTED = 130;

async function main(): Promise<number> {
	let options: Options;
	try {
		options = parseOptions(process.argv.slice(2));
	} catch (error) {
		console.error(`${messageOf(error)}\n\n${USAGE}`);
		return WRONG_USE;
	}
	if (options.help) {
		console.log(USAGE);
		return 0;
	}
	const url = backendUrl(process.env);
	const interrupted = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
	try {
		await using broker = await connect({ url, clientId: "first-light", require: options.processes ? ["multiProcess"] : [] });
		return await demonstrate(broker, url, options, interrupted.signal);
	} catch (error) {
		console.error(`\nfirst light: ${messageOf(error)}`);
		if (isPolylogError(error, "UNSUPPORTED"))
			console.error(
				"With --processes, name a broker that several processes can reach: POLYLOG_URL=redis://127.0.0.1:6379 npm start -- --processes",
			);
		return interrupted.signal.aborted ? INTERRUPTED : 1;
	}
}

async function demonstrate(broker: Broker, url: string, { processes, members }: Options, signal: AbortSignal): Promise<number> {
	const screen = new Screen(process.stdout);
	// New names for every run, so that runs do not meet on a shared broker.
	const run = `${Date.now().toString(36)}-${process.pid}`;
	const names: Names = { topic: `first-light-flights-${run}`, group: `first-light-delays-${run}` };
	const flights = await loadFlights();
	const backend = broker.name === "memory" ? "the embedded backend (memory:, asked for by name; POLYLOG_URL chooses another)" : broker.name;
	screen.say(
		`${whole(flights.length)} flights, ${PARTITIONS} partitions, ${members} members ${processes ? "as processes" : "in this process"}, on ${backend}`,
	);
	await broker.topics.create(flightsTopic(names.topic));
	try {
		const hire = (store: Store) => (processes ? hireProcess(url, names, store) : hireHere(url, names, store));
		const facts = await new FirstLight({ broker, names, flights, members, hire, screen, signal }).run();
		const checked = claims(facts);
		for (const line of reportLines(facts, checked)) screen.say(line);
		screen.say(
			`\nwho fed what, and who read it, as Mermaid draws it:\n${topologyMermaid(await broker.topology({ topics: [names.topic], signal }))}`,
		);
		return checked.every((claim) => claim.holds) ? 0 : 1;
	} finally {
		await endGroup(broker, names);
		await broker.topics.delete(names.topic);
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

process.exitCode = await main();

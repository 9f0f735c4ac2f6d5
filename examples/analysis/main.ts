// `npm run example:analysis`: flights through a consumer group that keeps sums, one member killed in the middle, and a report.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { latestCheckpoint } from "../checkpoint/checkpoint.ts";
import { Crew, type Worker } from "../crew/crew.ts";
import { removeAll } from "../crew/leftovers.ts";
import { rowsStored } from "../crew/resume.ts";
import { whole } from "../crew/screen.ts";
import { sendAll } from "../crew/send-all.ts";
import { main, type Stage } from "../crew/stage.ts";
import { untilProcessed } from "../crew/watch.ts";
import { analysts, totalsTopic, work } from "./analyst.ts";
import { type Flight, flightsTopic, loadFlights, PARTITIONS } from "./flights.ts";
import { totalsInOnePass } from "./one-pass.ts";
import { Recorder } from "./recorder.ts";
import { reportOf } from "./report.ts";
import { findings } from "./tables.ts";
import { NO_TOTALS, together, type Totals } from "./totals.ts";

const worker: Worker = { work, url: import.meta.resolve("./analyst.ts") };
const KILL_AT = 0.4;
/** Batches of a partition: with what each costs, the group works for some seconds, however many flights there are. */
const BATCHES = 60;
const CHUNK = 5_000;

await main({
	name: "analysis",
	about: "analysis: flights through a consumer group that keeps sums with its offsets, and a report with charts",
	numbers: {
		members: { default: 3, about: "members of the group, one of which is killed" },
		every: { default: 10, about: "take every Nth of 3,000,000 flights" },
	},
	flags: { all: "take all of them" },
	run: analysis,
});

async function analysis(stage: Stage): Promise<boolean> {
	const { broker, url, run, processes, numbers, screen, signal, out } = stage;
	const { members = 3 } = numbers;
	const every = stage.flags["all"] ? 1 : (numbers["every"] ?? 10);
	for (const topic of [flightsTopic(run), totalsTopic(run)]) await broker.topics.ensure(topic);
	const flights = await loadFlights(every);
	screen.say(`${whole(flights.length)} flights, ${members} members ${processes ? "as processes" : "in this process"}, on ${broker.name}`);
	await send(stage, flights);
	const recorder = new Recorder();
	{
		await using crew = new Crew({ url, run, processes, worker, batch: Math.ceil(flights.length / PARTITIONS / BATCHES) });
		const names = Array.from({ length: members }, (_, index) => String.fromCodePoint(97 + index));
		await Promise.all(names.map((name) => crew.hire(name)));
		let killed = names.length < 2;
		await untilProcessed(analysts(broker, run), {
			screen,
			signal: AbortSignal.any([signal, crew.trouble]),
			total: flights.length,
			onLook: async (look) => {
				recorder.look(look);
				if (killed || look.processed < KILL_AT * flights.length) return;
				killed = true;
				recorder.event("b is killed");
				screen.tell("member b is killed");
				await crew.kill("b");
			},
		});
	}
	const sums = await groupTotals(stage);
	await mkdir(out, { recursive: true });
	await writeFile(join(out, "totals.json"), `${JSON.stringify(sums)}\n`);
	await writeFile(
		join(out, "report.html"),
		await reportOf({ backend: broker.name, flights: flights.length, findings: await findings(sums), recorder }),
	);
	screen.say(`report.html and totals.json are in ${out}`);
	await removeAll(broker, { groups: [`${run}-analysts`], topics: [flightsTopic(run).name, totalsTopic(run).name] });
	const same = isDeepStrictEqual(sums, await totalsInOnePass(every));
	screen.say(`${same ? "ok    " : "FAILED"} the group's totals are those of one pass of SQL over the file, every number of them`);
	return same;
}

/** Goes on where an earlier start stopped. */
async function send({ broker, run, screen, signal }: Stage, flights: readonly Flight[]): Promise<void> {
	const every = (flights[1]?.row ?? 1) - (flights[0]?.row ?? 0);
	const stored = await rowsStored(broker, flightsTopic(run), ({ row }) => row / every);
	if (stored > 0) screen.say(`going on at flight ${whole(stored)}`);
	await using gates = broker.producerGroup(`${run}-gates`);
	const producer = gates.producer(flightsTopic(run));
	for (let at = stored; at < flights.length; at += CHUNK) {
		screen.progress(`sending: ${whole(at)} of ${whole(flights.length)}`);
		await sendAll(
			producer,
			flights.slice(at, at + CHUNK).map((value) => ({ value })),
			signal,
		);
	}
}

async function groupTotals({ broker, run }: Stage): Promise<Totals["sums"]> {
	const states = Array.from({ length: PARTITIONS }, (_, index) => latestCheckpoint(broker, totalsTopic(run), { index }));
	return together((await Promise.all(states)).map((checkpoint) => checkpoint?.state ?? NO_TOTALS));
}

// `npm run example:training`: a model trained from the log by a group that loses a member, and a second one from the same past.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Flight, flightsTopic, loadFlights, PARTITIONS } from "../analysis/flights.ts";
import { latestCheckpoint } from "../checkpoint/checkpoint.ts";
import { Crew, type Worker } from "../crew/crew.ts";
import { removeAll } from "../crew/leftovers.ts";
import { rowsStored } from "../crew/resume.ts";
import { whole } from "../crew/screen.ts";
import { sendAll } from "../crew/send-all.ts";
import { main, type Stage } from "../crew/stage.ts";
import { untilProcessed } from "../crew/watch.ts";
import { trainInOnePass } from "./in-one-pass.ts";
import { type Learner, UNTRAINED } from "./learner.ts";
import { reportOf } from "./report.ts";
import { resultLines, resultsOf } from "./results.ts";
import { work as workOfSecond } from "./second-trainer.ts";
import { FIRST, modelsTopic, SECOND, type Training, trainers, work } from "./trainer.ts";

const WORKERS: ReadonlyMap<Training, Worker> = new Map([
	[FIRST, { work, url: import.meta.resolve("./trainer.ts") }],
	[SECOND, { work: workOfSecond, url: import.meta.resolve("./second-trainer.ts") }],
]);
const KILL_AT = 0.4;
const BATCHES = 40;
const CHUNK = 5_000;

await main({
	name: "training",
	about: "training: a model of which flights are late, learnt from the log while it is predicted with",
	numbers: {
		members: { default: 3, about: "members of the group, one of which is killed" },
		every: { default: 30, about: "take every Nth of 3,000,000 flights" },
	},
	run: training,
});

async function training(stage: Stage): Promise<boolean> {
	const { broker, run, processes, numbers, screen, out } = stage;
	screen.progress("reading the flights");
	const flights = await loadFlights(numbers["every"] ?? 30);
	const topics = [flightsTopic(run), modelsTopic(run, FIRST), modelsTopic(run, SECOND)];
	for (const topic of topics) await broker.topics.ensure(topic);
	screen.say(
		`${whole(flights.length)} flights, ${numbers["members"]} members ${processes ? "as processes" : "in this process"}, on ${broker.name}`,
	);
	await send(stage, flights);
	await trainGroup(stage, FIRST, flights.length, true);
	screen.tell("a second model, from the same log: it begins in March");
	await trainGroup(stage, SECOND, flights.length, false);
	screen.progress("comparing");
	const [first, second] = [await learnersOf(stage, FIRST), await learnersOf(stage, SECOND)];
	const results = resultsOf(first, second, flights);
	for (const line of resultLines(results)) screen.say(line);
	await mkdir(out, { recursive: true });
	await writeFile(join(out, "models.json"), `${JSON.stringify({ first, second })}\n`);
	await writeFile(join(out, "report.html"), await reportOf(results, broker.name));
	screen.say(`report.html and models.json are in ${out}`);
	const same =
		isDeepStrictEqual(first, await trainInOnePass(broker, run, FIRST)) &&
		isDeepStrictEqual(second, await trainInOnePass(broker, run, SECOND));
	const learnt = first.reduce((sum, { samples }) => sum + samples, 0);
	await removeAll(broker, { groups: [`${run}-${FIRST.name}`, `${run}-${SECOND.name}`], topics: topics.map(({ name }) => name) });
	screen.say(
		`${learnt === flights.length ? "ok    " : "FAILED"} ${whole(learnt)} of ${whole(flights.length)} flights were learnt, each once`,
	);
	screen.say(`${same ? "ok    " : "FAILED"} both models are those of one pass over the log, to the last bit`);
	return same && learnt === flights.length;
}

async function trainGroup(
	{ broker, url, run, processes, numbers, screen, signal }: Stage,
	which: Training,
	total: number,
	kill: boolean,
): Promise<void> {
	const worker = WORKERS.get(which);
	if (!worker) throw new Error(`nobody trains ${which.name}`);
	await using crew = new Crew({ url, run, processes, worker, batch: Math.ceil(total / PARTITIONS / BATCHES) });
	const names = Array.from({ length: numbers["members"] ?? 3 }, (_, index) => String.fromCodePoint(97 + index));
	await Promise.all(names.map((name) => crew.hire(name)));
	let killed = !kill || names.length < 2;
	await untilProcessed(trainers(broker, run, which), {
		screen,
		signal: AbortSignal.any([signal, crew.trouble]),
		total,
		onLook: async ({ processed }) => {
			if (killed || processed < KILL_AT * total) return;
			killed = true;
			screen.tell("member b is killed");
			await crew.kill("b");
		},
	});
}

/** Each flight with the time of its departure, so that a place in the log can be found by date. */
async function send({ broker, run, screen, signal }: Stage, flights: readonly Flight[]): Promise<void> {
	const every = (flights[1]?.row ?? 1) - (flights[0]?.row ?? 0);
	const stored = await rowsStored(broker, flightsTopic(run), ({ row }) => row / every);
	if (stored > 0) screen.say(`going on at flight ${whole(stored)}`);
	await using gates = broker.producerGroup(`${run}-gates`);
	const producer = gates.producer(flightsTopic(run));
	for (let at = stored; at < flights.length; at += CHUNK) {
		screen.progress(`sending: ${whole(at)} of ${whole(flights.length)}`);
		const chunk = flights.slice(at, at + CHUNK);
		await sendAll(
			producer,
			chunk.map((value) => ({ value, timestamp: new Date(`${value.date.replace(" ", "T")}:00Z`) })),
			signal,
		);
	}
}

async function learnersOf({ broker, run }: Stage, which: Training): Promise<Learner[]> {
	const states = Array.from({ length: PARTITIONS }, (_, index) => latestCheckpoint(broker, modelsTopic(run, which), { index }));
	return (await Promise.all(states)).map((checkpoint) => checkpoint?.state ?? UNTRAINED);
}

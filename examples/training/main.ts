// `npm run example:training`: a model trained from the log by a group that loses a member, and a second one from the same past.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Topic } from "@polylog/core";
import { type Flight, flightsTopic, loadFlights, PARTITIONS } from "../analysis/flights.ts";
import { latestCheckpoint } from "../checkpoint/checkpoint.ts";
import { pageOf } from "../charts/page.ts";
import { Crew, type Worker } from "../crew/crew.ts";
import { removeAll } from "../crew/leftovers.ts";
import { rowsStored } from "../crew/resume.ts";
import { whole } from "../crew/screen.ts";
import { sendAll } from "../crew/send-all.ts";
import { main, type Stage } from "../crew/stage.ts";
import { untilProcessed } from "../crew/watch.ts";
import { accuracy, batchFit } from "./batch-fit.ts";
import { trainingFigures } from "./charts.ts";
import { comparisonOf } from "./comparison.ts";
import { samplesOf, trainInOnePass } from "./in-one-pass.ts";
import { type Learner, mondayOf, UNTRAINED } from "./learner.ts";
import { merge } from "./model.ts";
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
	const flights = await loadFlights(numbers["every"] ?? 30);
	const topics: Topic<never>[] = [flightsTopic(run), modelsTopic(run, FIRST), modelsTopic(run, SECOND)] as never;
	for (const topic of topics) await broker.topics.ensure(topic);
	screen.say(
		`${whole(flights.length)} flights, ${numbers["members"]} members ${processes ? "as processes" : "in this process"}, on ${broker.name}`,
	);
	await send(stage, flights);
	await trainGroup(stage, FIRST, flights.length, true);
	screen.tell(`a second model, from the same log: begins at ${(SECOND.from as { timestamp: Date }).timestamp.toISOString().slice(0, 10)}`);
	await trainGroup(stage, SECOND, flights.length, false);

	const [first, second] = [await learnersOf(stage, FIRST), await learnersOf(stage, SECOND)];
	const [one, two] = [comparisonOf(first, mondayOf), comparisonOf(second, mondayOf)];
	const samples = samplesOf(flights);
	const batch = Math.round(10_000 * accuracy(samples, batchFit(samples))) / 100;
	const merged = Math.round(10_000 * accuracy(samples, merge(first))) / 100;
	screen.say("");
	for (const [value, name] of [
		[one.model, "first model, each flight predicted before it was learnt"],
		[two.model, "second model, from March on"],
		[merged, "the partitions' first models merged into one, over all flights again"],
		[batch, "batch fit, which has seen all flights beforehand"],
		[one.majority, "whoever always says what was more frequent"],
	] as const)
		screen.say(`${value.toFixed(2).padStart(7)} %  ${name}`);
	screen.say(
		`drift: ${
			one.drifts
				.filter(({ partitions }) => partitions >= 3)
				.map(({ week, partitions }) => `week of ${week} (${partitions} partitions)`)
				.join(", ") || "none"
		}`,
	);
	await mkdir(out, { recursive: true });
	await writeFile(join(out, "models.json"), `${JSON.stringify({ first, second })}\n`);
	await writeFile(
		join(out, "report.html"),
		pageOf({
			title: "Which flights will be late?",
			introduction: `A logistic regression learnt from the log by a consumer group on ${broker.name}, one flight at a time: predict, compare, learn. Late means: not in time.`,
			facts: [
				{ name: "first model", value: `${one.model} %` },
				{ name: "second model, from March on", value: `${two.model} %` },
				{ name: "batch fit on the same data", value: `${batch} %` },
				{ name: "majority", value: `${one.majority} %` },
			],
			sections: [{ title: "Over half a year", columns: 1, figures: await trainingFigures(one, two, batch) }],
		}),
	);
	screen.say(`report.html and models.json are in ${out}`);
	const same =
		isDeepStrictEqual(first, await trainInOnePass(broker, run, FIRST)) &&
		isDeepStrictEqual(second, await trainInOnePass(broker, run, SECOND));
	const counted = first.reduce((sum, { samples: learnt }) => sum + learnt, 0);
	await removeAll(broker, { groups: [`${run}-${FIRST.name}`, `${run}-${SECOND.name}`], topics: topics.map(({ name }) => name) });
	screen.say(
		`${counted === flights.length ? "ok    " : "FAILED"} ${whole(counted)} of ${whole(flights.length)} flights were learnt, each once`,
	);
	screen.say(`${same ? "ok    " : "FAILED"} both models are those of one pass over the log, to the last bit`);
	return same && counted === flights.length;
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

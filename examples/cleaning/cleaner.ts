// One member of the cleaners: raw movies in, clean or rejected ones out. Keeps nothing between two messages.
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker, Message, Producer } from "@polylog/core";
import type { Work } from "../crew/crew.ts";
import { sendAll } from "../crew/send-all.ts";
import { clean } from "./clean.ts";
import { mergeInto } from "./merger.ts";
import type { Movie, RawMovie, Rejected } from "./movie.ts";
import { cleaners, parsedMovies, rejectedMovies } from "./topics.ts";

/** What a batch costs, as a look-up at somebody's service would: there shall be something to watch, and to kill. */
const LOOK_UP_MS = 100;

/** A member of both groups: the same process cleans and merges. */
export const work: Work = async (broker, run, batch) => {
	await Promise.all([cleanFrom(broker, run, batch), mergeInto(broker, run)]);
};

async function cleanFrom(broker: Broker, run: string, batch: number): Promise<void> {
	const group = broker.producerGroup(`${run}-cleaners`);
	const parsed = group.producer(parsedMovies(run));
	const rejected = group.producer(rejectedMovies(run));
	const member = await cleaners(broker, run).join();
	await member.runBatches(({ messages }) => cleanBatch(messages, parsed, rejected), { maxMessages: batch, commitIntervalMs: 250 });
}

/** Resolves when the results are durable; only then may the batch be committed. Killed before, it is cleaned again. */
async function cleanBatch(messages: readonly Message<RawMovie>[], parsed: Producer<Movie>, rejected: Producer<Rejected>): Promise<void> {
	await sleep(LOOK_UP_MS);
	const results = messages.map(({ value }) => clean(value));
	await Promise.all([
		sendAll(
			parsed,
			results.flatMap((result) => ("movie" in result ? [{ value: result.movie }] : [])),
		),
		sendAll(
			rejected,
			results.flatMap((result) => ("rejected" in result ? [{ value: result.rejected }] : [])),
		),
	]);
}

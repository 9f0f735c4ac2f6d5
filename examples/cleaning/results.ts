// What the job hands over: two files and a quality report, the same to the byte whatever happened on the way.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Broker, Topic } from "@polylog/core";
import { clean } from "./clean.ts";
import { merge } from "./merge.ts";
import type { Movie, RawMovie, Rejected } from "./movie.ts";
import { type QualityReport, qualityReport } from "./quality.ts";
import { cleanMovies, rejectedMovies } from "./topics.ts";

export interface Results {
	/** NDJSON, by id. */
	readonly clean: string;
	readonly rejected: string;
	readonly report: QualityReport;
}

/** From the topics. What a repeated batch stored twice is one record: it has the same id and the same content. */
export async function resultsOf(broker: Broker, run: string): Promise<Results> {
	const movies = new Map<string, Movie>();
	for (const movie of await all(broker, cleanMovies(run))) movies.set(movie.key, movie);
	return results(movies.values(), await all(broker, rejectedMovies(run)));
}

/** The same from the source, in one pass and without any broker: what the others are compared with. */
export function resultsInOnePass(rows: readonly RawMovie[]): Results {
	const cleaned = rows.map(clean);
	const parsed = cleaned.flatMap((result) => ("movie" in result ? [result.movie] : []));
	const { best, beaten } = merge(new Map(), parsed);
	const rejected = cleaned.flatMap((result) => ("rejected" in result ? [result.rejected] : []));
	return results(best.values(), [
		...rejected,
		...beaten.map((movie) => ({ id: movie.id, reasons: [`duplicate of ${movie.key}`], row: movie })),
	]);
}

export async function writeResults(folder: string, { clean: movies, rejected, report }: Results): Promise<void> {
	await mkdir(folder, { recursive: true });
	await writeFile(join(folder, "clean.ndjson"), movies);
	await writeFile(join(folder, "rejected.ndjson"), rejected);
	await writeFile(join(folder, "quality.json"), `${JSON.stringify(report, undefined, "\t")}\n`);
}

function results(movies: Iterable<Movie>, rejected: readonly Rejected[]): Results {
	const [kept, refused] = [byId(movies), byId(rejected)];
	return { clean: ndjson(kept), rejected: ndjson(refused), report: qualityReport(kept, refused) };
}

function byId<T extends { readonly id: string }>(items: Iterable<T>): T[] {
	return [...new Map([...items].map((item) => [item.id, item])).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

const ndjson = (items: readonly unknown[]) => items.map((item) => `${JSON.stringify(item)}\n`).join("");

async function all<T>(broker: Broker, topic: Topic<T>): Promise<T[]> {
	const values: T[] = [];
	for await (const { value } of broker.read(topic, { to: "latest" })) values.push(value);
	return values;
}

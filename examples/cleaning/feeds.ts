// The data: movies.json as it is, and a partner's feed that has every eighth movie again, in the partner's own notation.
import { readFile } from "node:fs/promises";
import type { OutgoingMessage } from "@polylog/core";
import type { RawMovie } from "./movie.ts";
import { MONTHS } from "./rules/dates.ts";

const SHARED_EVERY = 8;

/** 3,201 movies, with whatever is wrong in them. */
export async function archiveFeed(): Promise<RawMovie[]> {
	const file = new URL("../data/movies.json", import.meta.resolve("vega-datasets"));
	const rows = JSON.parse(await readFile(file, "utf8")) as Omit<RawMovie, "id">[];
	return rows.map((row, index) => ({ id: `archive-${pad(index)}`, ...row }));
}

/** What a second source is like: another notation of dates, names in capitals, and the same movies. */
export function partnerFeed(archive: readonly RawMovie[]): RawMovie[] {
	return archive
		.filter((_, index) => index % SHARED_EVERY === 0)
		.map((movie, index) => ({
			...movie,
			id: `partner-${pad(index)}`,
			Title: typeof movie.Title === "string" ? `  ${movie.Title.toUpperCase()}` : movie.Title,
			"Release Date": index % 2 === 0 ? isoDate(movie["Release Date"]) : slashedDate(movie["Release Date"]),
		}));
}

/** No source knows of the other, so each spreads by its own ids: the same movie comes to two partitions. */
export function toMessages(movies: readonly RawMovie[]): OutgoingMessage<RawMovie>[] {
	return movies.map((value) => ({ value, key: value.id }));
}

const pad = (index: number) => String(index).padStart(4, "0");

function isoDate(date: string): string {
	const [month = "", day, year] = date.split(" ");
	return `${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, "0")}-${day}`;
}

function slashedDate(date: string): string {
	return isoDate(date).replace(/^(\d+)-(\d+)-(\d+)$/, "$2/$3/$1");
}

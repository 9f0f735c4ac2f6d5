// Pure: which record of a movie stays. The order in which they come makes no difference.
import type { Movie } from "./movie.ts";

/** The best record of each movie so far. */
export type Best = ReadonlyMap<string, Movie>;

/** "archive-…" comes before "partner-…", and low rows before high ones: a rule that does not depend on who was faster. */
function better(a: Movie, b: Movie | undefined): boolean {
	return b === undefined || a.id < b.id;
}

/** The best record of each movie, and those that are not. */
export function merge(before: Best, movies: readonly Movie[]): { readonly best: Best; readonly beaten: readonly Movie[] } {
	const best = new Map(before);
	const beaten: Movie[] = [];
	for (const movie of movies) {
		const other = best.get(movie.key);
		if (better(movie, other)) best.set(movie.key, movie);
		if (other && other.id !== movie.id) beaten.push(better(movie, other) ? other : movie);
	}
	return { best, beaten };
}

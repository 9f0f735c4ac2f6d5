// What comes in, what goes out, and the schema that everything clean conforms to.
import { z } from "zod";

/** A movie as a feed has it: anything may be missing, or of another type. */
export interface RawMovie {
	/** The feed and its row. */
	readonly id: string;
	readonly Title: string | number | null;
	readonly "Release Date": string;
	readonly Distributor: string | null;
	readonly "Production Budget": number | null;
	readonly "US Gross": number | null;
	readonly "Worldwide Gross": number | null;
	readonly "Running Time min": number | null;
	readonly "IMDB Rating": number | null;
	readonly "IMDB Votes": number | null;
}

const fix = z.object({ rule: z.string(), before: z.unknown(), after: z.unknown() });
/** What a rule did to a value. */
export type Fix = z.infer<typeof fix>;

const dollars = z.int().min(1).nullable();

export const Movie = z.object({
	id: z.string(),
	/** The same for the same movie, whatever feed it comes from. */
	key: z.string(),
	title: z
		.string()
		.min(1)
		.regex(/^\S.*\S$|^\S$/),
	released: z.iso.date(),
	distributor: z.string().nullable(),
	budget: z.int().min(1_000),
	usGross: dollars,
	worldwideGross: dollars,
	minutes: z.int().min(40).max(400).nullable(),
	rating: z.number().min(1).max(10).nullable(),
	votes: z.int().min(1).nullable(),
	/** What was changed on the way, so that nothing is changed in silence. */
	fixes: z.array(fix),
});
export type Movie = z.infer<typeof Movie>;

/** A row that does not go on: no rule could mend it, or another one tells of the same movie. */
export interface Rejected {
	readonly id: string;
	readonly reasons: readonly string[];
	readonly row: RawMovie | Movie;
}

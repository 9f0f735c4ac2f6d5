// Pure: what becomes of one movie. The same row gives the same result, whoever cleans it and however often.
import { type Fix, Movie, type RawMovie, type Rejected } from "./movie.ts";
import { parseDate, rightCentury } from "./rules/dates.ts";
import { identity, singleSpaces, unMac } from "./rules/text.ts";

const LEAST_BUDGET = 1_000;

export type Cleaned = { readonly movie: Movie } | { readonly rejected: Rejected };

export function clean(row: RawMovie): Cleaned {
	const fixes: Fix[] = [];
	/** Keeps what the rule made of the value, and writes down if that is something else. */
	const fix = <T>(rule: string, before: unknown, after: T): T => {
		if (before !== after) fixes.push({ rule, before, after });
		return after;
	};
	/** In this data 0 dollars means that nobody knows. */
	const dollars = (value: number | null) => fix("zero dollars are unknown", value, value === 0 ? null : value);

	const title = titleOf(row.Title, fix);
	const read = parseDate(row["Release Date"]);
	const iso = read && fix("dates in ISO 8601", row["Release Date"], read);
	const released = iso && fix("years in the right century", iso, rightCentury(iso));
	const candidate = {
		id: row.id,
		key: identity(title ?? "", released ?? ""),
		title,
		released,
		distributor:
			row.Distributor &&
			fix("no distributor by that name", row.Distributor, row.Distributor === "Distributor Unknown" ? null : row.Distributor),
		budget: row["Production Budget"],
		usGross: dollars(row["US Gross"]),
		worldwideGross: dollars(row["Worldwide Gross"]),
		minutes: row["Running Time min"],
		rating: row["IMDB Rating"],
		votes: row["IMDB Votes"],
		fixes,
	};
	const reasons = [
		...(title ? [] : ["no title"]),
		...(released ? [] : ["no date"]),
		...budgetReasons(candidate.budget),
		...(candidate.usGross === null && candidate.worldwideGross === null ? ["no gross at all"] : []),
	];
	if (reasons.length > 0) return { rejected: { id: row.id, reasons, row } };
	const checked = Movie.safeParse(candidate);
	if (checked.success) return { movie: checked.data };
	return { rejected: { id: row.id, reasons: checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`), row } };
}

function titleOf(raw: string | number | null, fix: <T>(rule: string, before: unknown, after: T) => T): string | undefined {
	if (raw === null) return undefined;
	const text = fix("titles are text", raw, String(raw));
	return fix("single spaces", fix("encoding of titles", text, unMac(text)), singleSpaces(unMac(text)));
}

function budgetReasons(budget: number | null): string[] {
	if (budget === null) return ["no budget"];
	return budget < LEAST_BUDGET ? ["impossible budget"] : [];
}

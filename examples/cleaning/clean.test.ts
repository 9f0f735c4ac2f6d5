import { describe, expect, it } from "vitest";
import { clean } from "./clean.ts";
import { archiveFeed, partnerFeed } from "./feeds.ts";
import { merge } from "./merge.ts";
import type { Movie, RawMovie } from "./movie.ts";
import { qualityReport } from "./quality.ts";
import { resultsInOnePass } from "./results.ts";
import { parseDate, rightCentury } from "./rules/dates.ts";
import { identity, singleSpaces, unMac } from "./rules/text.ts";

const row: RawMovie = {
	id: "archive-0001",
	Title: "Léon",
	"Release Date": "Nov 18 1994",
	Distributor: "Sony",
	"Production Budget": 16_000_000,
	"US Gross": 19_284_974,
	"Worldwide Gross": 45_284_974,
	"Running Time min": 110,
	"IMDB Rating": 8.6,
	"IMDB Votes": 199_762,
};

const movieOf = (change: Partial<RawMovie>): Movie => {
	const result = clean({ ...row, ...change });
	if (!("movie" in result)) throw new Error(`rejected: ${result.rejected.reasons.join(", ")}`);
	return result.movie;
};
const reasonsOf = (change: Partial<RawMovie>): readonly string[] => {
	const result = clean({ ...row, ...change });
	return "rejected" in result ? result.rejected.reasons : [];
};

describe("dates", () => {
	it.each(["Jun 12 1998", "1998-06-12", "06/12/1998"])("are read from %s", (text) => expect(parseDate(text)).toBe("1998-06-12"));
	it.each(["Jun 31 1998", "1998-13-01", "soon", "", "2/3/98"])("are not made up from %j", (text) =>
		expect(parseDate(text)).toBeUndefined(),
	);
	it("of the future belong to the century before", () => {
		expect(rightCentury("2046-12-31")).toBe("1946-12-31");
		expect(rightCentury("2010-01-01")).toBe("2010-01-01");
	});
});

describe("titles", () => {
	it("that went through a Mac come back, and what is right stays", () => {
		expect(unMac("LÈon")).toBe("Léon");
		expect(unMac("The Naked Gun 2Ω")).toBe("The Naked Gun 2½");
		expect(unMac("Ri¢hie Ri¢h, Alien³")).toBe("Ri¢hie Ri¢h, Alien³");
	});
	it("have single spaces", () => expect(singleSpaces("  The  Helix... Loaded ")).toBe("The Helix... Loaded"));
	it("make one identity however they are written, and another for another year", () => {
		expect(identity("  THE LAND GIRLS", "1998-06-12")).toBe(identity("The Land Girls", "1998-01-01"));
		expect(identity("King Kong", "1933-04-07")).not.toBe(identity("King Kong", "2005-12-14"));
		expect(identity("???", "2000-01-01")).toBe("untitled-2000");
	});
});

describe("a movie", () => {
	it("keeps what is right, and says what was mended", () => {
		const { title, released, usGross, fixes } = movieOf({ Title: 1941, "Release Date": "Dec 14 2079", "US Gross": 0 });
		expect({ title, released, usGross }).toEqual({ title: "1941", released: "1979-12-14", usGross: null });
		expect(fixes.map(({ rule }) => rule).toSorted()).toEqual([
			"dates in ISO 8601",
			"titles are text",
			"years in the right century",
			"zero dollars are unknown",
		]);
	});

	it.each<[string, Partial<RawMovie>]>([
		["no title", { Title: null }],
		["no date", { "Release Date": "soon" }],
		["no budget", { "Production Budget": null }],
		["impossible budget", { "Production Budget": 218 }],
		["no gross at all", { "US Gross": 0, "Worldwide Gross": null }],
	])("is rejected for %s", (reason, change) => expect(reasonsOf(change)).toEqual([reason]));

	it("is rejected with every reason there is, and by the schema for what no rule knows", () => {
		expect(reasonsOf({ Title: null, "Production Budget": null })).toEqual(["no title", "no budget"]);
		expect(reasonsOf({ "Running Time min": 4_000 })).toEqual([expect.stringContaining("minutes")]);
	});
});

describe("duplicates", () => {
	const [archive, partner] = [movieOf({}), movieOf({ id: "partner-0000" })];

	it("leave the archive's row, whatever came first", () => {
		for (const order of [
			[archive, partner],
			[partner, archive],
		]) {
			const { best, beaten } = merge(new Map(), order);
			expect([...best.values()]).toEqual([archive]);
			expect(beaten).toEqual([partner]);
		}
	});

	it("are not made by a row that comes again", () => {
		expect(merge(new Map([[archive.key, archive]]), [archive]).beaten).toEqual([]);
	});
});

describe("all of the rows", () => {
	it("are either clean or rejected, each once", async () => {
		const feed = await archiveFeed();
		const rows = [...feed, ...partnerFeed(feed)];
		const { clean: movies, rejected, report } = resultsInOnePass(rows);
		const ids = `${movies}${rejected}`
			.trim()
			.split("\n")
			.map((line) => (JSON.parse(line) as { id: string }).id);
		expect(ids.toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
		expect(report).toMatchObject({ rows: 3_602, clean: 3_144, rejected: 458 });
		expect(report.reasons.map(({ rule, count }) => [rule, count])).toContainEqual(["duplicate", 396]);
	});

	it("make a report of nothing if there are none", () => {
		expect(qualityReport([], [])).toEqual({ rows: 0, clean: 0, rejected: 0, fixes: [], reasons: [] });
	});
});

// Pure: what was wrong with the data, rule by rule.
import type { Movie } from "./movie.ts";

const EXAMPLES = 3;

export interface RuleCount {
	readonly rule: string;
	readonly count: number;
	readonly examples: readonly string[];
}

export interface QualityReport {
	readonly rows: number;
	readonly clean: number;
	readonly rejected: number;
	/** By what was mended, the most frequent first. */
	readonly fixes: readonly RuleCount[];
	/** By what could not be. */
	readonly reasons: readonly RuleCount[];
}

export function qualityReport(
	movies: readonly Movie[],
	rejected: readonly { readonly id: string; readonly reasons: readonly string[] }[],
): QualityReport {
	const fixes = movies.flatMap((movie) =>
		movie.fixes.map(({ rule, before, after }) => ({ rule, example: `${JSON.stringify(before)} → ${JSON.stringify(after)}` })),
	);
	// Every duplicate is one of another movie: together they are one rule.
	const reasons = rejected.flatMap(({ id, reasons: all }) =>
		all.map((reason) => ({ rule: reason.replace(/^duplicate of .*/, "duplicate"), example: `${id}: ${reason}` })),
	);
	return {
		rows: movies.length + rejected.length,
		clean: movies.length,
		rejected: rejected.length,
		fixes: counted(fixes),
		reasons: counted(reasons),
	};
}

function counted(items: readonly { readonly rule: string; readonly example: string }[]): RuleCount[] {
	return [...Map.groupBy(items, ({ rule }) => rule)]
		.map(([rule, all]) => ({ rule, count: all.length, examples: [...new Set(all.map(({ example }) => example))].slice(0, EXAMPLES) }))
		.toSorted((a, b) => b.count - a.count || (a.rule < b.rule ? -1 : 1));
}

export function reportLines({ rows, clean, rejected, fixes, reasons }: QualityReport): string[] {
	const line = ({ rule, count, examples }: RuleCount) => `${String(count).padStart(7)}  ${rule.padEnd(28)}  ${examples[0] ?? ""}`;
	return [
		"",
		`${rows} rows in: ${clean} movies out, ${rejected} rows rejected`,
		"",
		"mended:",
		...fixes.map(line),
		"",
		"rejected:",
		...reasons.map(line),
		"",
	];
}

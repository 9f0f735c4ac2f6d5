// How figures are shown: a table, and a section of RESULTS.md for each broker. Pure.
import type { Figure, Spread } from "./figures.ts";

export interface Circumstances {
	readonly broker: string;
	readonly command: string;
	/** What was compared with what, one line each. */
	readonly versions: readonly string[];
	readonly date: string;
	readonly machine: string;
	/** A ratio is good for a run of this size only. */
	readonly size: string;
}

const HEAD = ["", "Polylog", "raw client", "ratio", "floor", ""];

/** A Markdown table that also reads well as it is. */
export function table(figures: readonly Figure[]): string {
	const rows = [HEAD, ...figures.map(row)];
	const widths = HEAD.map((_, column) => Math.max(3, ...rows.map((cells) => cells[column]?.length ?? 0)));
	const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
	const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
	const [head = HEAD, ...body] = rows;
	return [line(head), rule, ...body.map(line)].join("\n");
}

function row({ metric, polylog, raw, ratio, passed }: Figure): string[] {
	const show = metric.unit === "msgs/s" ? whole : hundredths;
	return [
		`${metric.name}, ${metric.unit}`,
		ranged(polylog, show),
		ranged(raw, show),
		ranged(ratio, hundredths),
		metric.floor === undefined ? "–" : hundredths(metric.floor),
		passed === undefined ? "" : passed ? "ok" : "BELOW",
	];
}

function ranged({ median, least, most }: Spread, show: (value: number) => string): string {
	return `${show(median)} (${show(least)} – ${show(most)})`;
}

const whole = (value: number) => Math.round(value).toLocaleString("en");
const hundredths = (value: number) => value.toFixed(2);

export function section(circumstances: Circumstances, figures: readonly Figure[]): string {
	const { broker, command, versions, date, machine, size } = circumstances;
	return [
		`## ${broker}`,
		"",
		`\`${command}\` on ${date}; ${size}.`,
		"",
		...versions.map((line) => `- ${line}`),
		`- ${machine}`,
		"",
		table(figures),
	].join("\n");
}

/** RESULTS.md with the broker's section replaced, or added at the end. */
export function withSection(results: string, broker: string, text: string): string {
	const [open, close] = [`<!-- ${broker} -->`, `<!-- /${broker} -->`];
	const [start, end] = [results.indexOf(open), results.indexOf(close)];
	const block = `${open}\n${text}\n${close}`;
	if (start < 0 || end < start) return `${results.trimEnd()}\n\n${block}\n`;
	return results.slice(0, start) + block + results.slice(end + close.length);
}

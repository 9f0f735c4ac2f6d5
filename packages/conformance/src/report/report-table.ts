// A report as a table to look at: one line for each theme and for each capability, and what is not kept in full.
import type { Check, CheckResult, Report } from "../check.ts";
import { byTheme } from "./theme.ts";

/** `checks` are those that were run: they say which capability each needs. */
export function reportTable(report: Report, checks: readonly Check[]): string[] {
	const { results, capabilities } = report;
	const themes = [...byTheme(results)].map(([theme, of]) => line(theme, of));
	const needs = new Map(checks.map(({ id, needs = [] }): [string, readonly string[]] => [id, needs]));
	const flags = Object.entries(capabilities).map(([name, declared]) => {
		const shown = results.filter(({ id }) => needs.get(id)?.includes(name));
		return `  ${name.padEnd(24)}${capability(declared, shown)}`;
	});
	const apart = results.filter(({ status }) => status !== "kept");
	return [
		`${report.backend} on ${report.server}, seed ${report.seed}`,
		"",
		`  ${"checks of".padEnd(24)}${"kept".padStart(6)}${"unsupported".padStart(13)}${"broken".padStart(8)}`,
		...themes,
		line("all", results),
		"",
		"  capability              declared, and the checks that need it",
		...flags,
		...(apart.length > 0 ? [""] : []),
		...apart.map(({ id, status, reason }) => `  ${status.toUpperCase()} ${id}: ${reason}`),
	];
}

function line(title: string, results: readonly CheckResult[]): string {
	const [kept, unsupported, broken] = (["kept", "unsupported", "broken"] as const).map((status) => {
		const count = results.filter((result) => result.status === status).length;
		return count === 0 ? "-" : `${count}`;
	});
	return `  ${title.padEnd(24)}${kept?.padStart(6)}${unsupported?.padStart(13)}${broken?.padStart(8)}`;
}

function capability(declared: string | boolean, shown: readonly CheckResult[]): string {
	if (typeof declared === "string") return declared;
	if (shown.length === 0) return declared ? "yes" : "no: refused when asked for";
	const statuses = [...Map.groupBy(shown, ({ status }) => status)].map(([status, of]) => `${of.length} ${status}`);
	return `${declared ? "yes" : "no"}, ${statuses.join(", ")}`;
}

// docs/guarantees.md from the reports of the conformance kit, and what makes a report stale.
import { byTheme, type Check, type StoredReport } from "@polylog/conformance";
import type { Capabilities } from "@polylog/core";

export interface NamedReport extends StoredReport {
	/** `npm run conformance -- --write NAME` makes it anew. */
	readonly name: string;
}

/** Which reports there have to be, in the order of their columns. */
export const KEPT: readonly string[] = [
	"memory",
	"redis",
	"redis-container",
	"valkey",
	"redis-cluster",
	"redis-sentinel",
	"rabbitmq-container",
	"rabbitmq-native",
	"rabbitmq-cluster",
	"kafka-container",
	"kafka-native",
	"kafka-cluster",
];

/** Reports that are not there, and those that nobody expects. */
export function strayReports(names: readonly string[]): string[] {
	const missing = KEPT.filter((name) => !names.includes(name));
	const unknown = names.filter((name) => !KEPT.includes(name));
	return [
		...missing.map((name) => `docs/conformance/${name}.json is missing: npm run conformance -- --write ${name}`),
		...unknown.map((name) => `docs/conformance/${name}.json is no report that is kept: see KEPT in scripts/guarantees.ts`),
	];
}

/** By backend: what its adapter declares before it has met a server. */
export type Declared = ReadonlyMap<string, Capabilities>;

/** Why a report is not one of this kit on this adapter, or tells of a broken promise. */
export function problemsOf(report: NamedReport, checks: readonly Check[], declared: Declared): string[] {
	const known = new Set(checks.map(({ id }) => id));
	const missing = [...known].filter((id) => !Object.hasOwn(report.checks, id));
	const unknown = Object.keys(report.checks).filter((id) => !known.has(id));
	const own = declared.get(report.backend);
	const flags = Object.entries(own ?? {}).filter(([name, value]) => {
		// Durability is the server's: it is known when there is one.
		return name !== "durability" && report.capabilities[name as keyof Capabilities] !== value;
	});
	const skipped = checks.filter(({ id, needs = [] }) => {
		const lacks = needs.some((flag) => !report.capabilities[flag]);
		return report.checks[id] !== undefined && report.checks[id].startsWith("unsupported") !== lacks;
	});
	const broken = Object.entries(report.checks).filter(([, result]) => result.startsWith("broken"));
	return [
		...(own ? [] : [`there is no backend ${report.backend}`]),
		...missing.map((id) => `the kit has ${id}, which was not run`),
		...unknown.map((id) => `the kit has no ${id} any more`),
		...flags.map(([name, value]) => `the adapter declares ${name}: ${value}`),
		...skipped.map(({ id }) => `${id} is ${report.checks[id]}, and the capabilities say otherwise`),
		...broken.map(([id, result]) => `${id} is ${result}`),
	].map((problem) => `docs/conformance/${report.name}.json: ${problem}`);
}

export function guaranteesText(reports: readonly NamedReport[], checks: readonly Check[]): string {
	return `# Guarantees

<!-- Generated from docs/conformance/*.json by \`npm run generate\`; do not edit. -->

The contract is the same on every backend; [the conformance kit](../packages/conformance/README.md) shows it on each, and these
are its reports. A check is \`kept\`, or \`unsupported\` because the adapter declares that it lacks something: then asking
for it is an error before any traffic. Nothing else is skipped, and \`npm run check\` fails when a report is missing, or
differs from the kit or from an adapter's capabilities.

## What each backend declares

${table(["", ...reports.map(({ name }) => name)], [["adapter", ...reports.map(({ backend }) => backend)], ["server", ...reports.map(({ server }) => server)], ...capabilityRows(reports)])}

\`durability\` is what an acknowledged record survives, on a server set up as the test's: see \`DURABILITY_CLASSES\` in
\`packages/core/src/capabilities.ts\`. \`connect({ require: ["multiProcess", "durability:host-crash"] })\` insists on them.

## What the kit found

${table(["checks of", ...reports.map(({ name }) => name)], themeRows(reports, checks))}

A number: so many are kept; \`+ n –\`: so many more are unsupported.

${unsupportedLines(reports).join("\n")}

## The points of the contract, and the checks that show each

${table(["point", "checks"], pointRows(checks))}

## Again

${table(
	["report", "server", "seed", "command"],
	reports.map(({ name, server, seed }) => [
		`[${name}](conformance/${name}.json)`,
		server,
		`\`${seed}\``,
		`\`npm run conformance -- --write ${name} --seed ${seed}\``,
	]),
)}
`;
}

function capabilityRows(reports: readonly NamedReport[]): string[][] {
	const names = Object.keys(reports[0]?.capabilities ?? {});
	const shown = (value: string | boolean | undefined) => (typeof value === "string" ? value : value ? "yes" : "no");
	return names.map((name) => [`\`${name}\``, ...reports.map(({ capabilities }) => shown(capabilities[name as keyof Capabilities]))]);
}

function themeRows(reports: readonly NamedReport[], checks: readonly Check[]): string[][] {
	const row = (title: string, ids: readonly string[]) => [title, ...reports.map((report) => count(report, ids))];
	const all = checks.map(({ id }) => id);
	const themes = [...byTheme(checks)].map(([theme, of]) =>
		row(
			theme,
			of.map(({ id }) => id),
		),
	);
	return [...themes, row("**all**", all)];
}

function count({ checks }: NamedReport, ids: readonly string[]): string {
	const of = (status: string) => ids.filter((id) => checks[id]?.startsWith(status)).length;
	const [kept, unsupported, broken] = [of("kept"), of("unsupported"), of("broken")];
	return `${kept}${unsupported > 0 ? ` + ${unsupported} –` : ""}${broken > 0 ? `, **${broken} broken**` : ""}`;
}

function unsupportedLines(reports: readonly NamedReport[]): string[] {
	return reports.flatMap(({ name, checks }) => {
		const ids = Object.keys(checks).filter((id) => checks[id]?.startsWith("unsupported"));
		return ids.length === 0 ? [] : [`- ${name}: unsupported ${ids.map((id) => `\`${id}\``).join(", ")}`];
	});
}

/** "contract points 5 and 9: …" of a promise. */
const pointsOf = ({ promise }: Check): number[] => (/contract points? ([\d, and]+)/.exec(promise)?.[1]?.match(/\d+/g) ?? []).map(Number);

function pointRows(checks: readonly Check[]): string[][] {
	const points = [...new Set(checks.flatMap(pointsOf))].toSorted((a, b) => a - b);
	const ids = (of: readonly Check[]) => of.map(({ id }) => `\`${id}\``).join(", ");
	const rest = checks.filter((check) => pointsOf(check).length === 0);
	return [...points.map((point) => [`${point}`, ids(checks.filter((check) => pointsOf(check).includes(point)))]), ["what else", ids(rest)]];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

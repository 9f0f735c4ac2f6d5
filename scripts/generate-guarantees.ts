// Writes docs/guarantees.md from the reports in docs/conformance; with --check, fails when it, or a report, is stale.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { CHECKS, type StoredReport } from "@polylog/conformance";
import type { Capabilities } from "@polylog/core";
import { loadAdapter, parseBackendUrl } from "@polylog/core/testing";
import { createDriver } from "../integration/src/driver-harness.ts";
import { guaranteesText, KEPT, type NamedReport, problemsOf, strayReports } from "./guarantees.ts";
import { ROOT } from "./packages.ts";

const REPORTS = join(ROOT, "docs/conformance");
const FILE = join(ROOT, "docs/guarantees.md");
/** Nobody is connected to: an adapter declares its capabilities before. */
const BACKENDS: ReadonlyMap<string, string> = new Map([
	["memory", "memory:declared"],
	["redis-streams", "redis://localhost"],
	["rabbitmq", "amqp://localhost"],
	["kafka", "kafka://localhost"],
]);

async function declared(): Promise<ReadonlyMap<string, Capabilities>> {
	const all = [...BACKENDS].map(async ([backend, url]): Promise<[string, Capabilities]> => {
		const driver = createDriver(await loadAdapter(parseBackendUrl(url).scheme, {}, ROOT), url);
		const { capabilities } = driver;
		driver.destroy();
		return [backend, capabilities];
	});
	return new Map(await Promise.all(all));
}

function reports(): NamedReport[] {
	const files = readdirSync(REPORTS).filter((file) => file.endsWith(".json"));
	const read = files.map((file) => ({
		name: basename(file, ".json"),
		...(JSON.parse(readFileSync(join(REPORTS, file), "utf8")) as StoredReport),
	}));
	return read.toSorted((a, b) => KEPT.indexOf(a.name) - KEPT.indexOf(b.name));
}

const found = reports();
const text = guaranteesText(found, CHECKS);
const known = await declared();
const problems = [...strayReports(found.map(({ name }) => name)), ...found.flatMap((report) => problemsOf(report, CHECKS, known))];
if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (!existsSync(FILE) || readFileSync(FILE, "utf8") !== text)
	problems.push("docs/guarantees.md is not what docs/conformance says: run `npm run generate`");
const names = [...new Set(found.filter((report) => problemsOf(report, CHECKS, known).length > 0).map(({ name }) => name))];
if (problems.length > 0)
	console.error([...problems, ...names.map((name) => `npm run conformance -- --write ${name}   # makes it anew`)].join("\n"));
process.exitCode = problems.length > 0 ? 1 : 0;
// Adapters may keep timers until they are connected and closed.
process.exit();

// examples/analysis as a user starts it, with a member killed in the middle; its report opened in a real browser.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { startChromium } from "../src/chromium.ts";
import { leftBehind, startExample } from "../src/example.ts";
import { describeOnBackends } from "../src/example-backends.ts";

const OK = /^ok +the group's totals are those of one pass of SQL over the file, every number of them$/m;
/** Of 3,000,000 flights: 30,000. */
const EVERY = ["--every", "100"];

/** What the first backend made of it. */
const first: { totals?: string; report?: string } = {};

describeOnBackends("analysis", (url, backend, processes) => {
	it("neither loses nor doubles a flight, though a member is killed, and leaves nothing behind", async () => {
		await using run = await startExample("analysis", url(), ...EVERY, ...processes);
		const { code, output } = await run.ended;
		expect(output).toContain("member b is killed");
		expect(output).toMatch(OK);
		expect(code).toBe(0);
		const totals = JSON.parse(await run.result("totals.json")) as Record<string, Record<string, { flights: number }>>;
		for (const sums of Object.values(totals)) expect(Object.values(sums).reduce((sum, { flights }) => sum + flights, 0)).toBe(30_000);
		first.totals ??= sorted(totals);
		expect(sorted(totals)).toBe(first.totals);
		first.report ??= await run.result("report.html");
		expect(await leftBehind(url(), "analysis")).toEqual([]);
	});

	it.skipIf(backend !== "redis-streams")("goes on where Ctrl-C stopped it (tried on one backend)", async () => {
		await using stopped = await startExample("analysis", url(), ...EVERY, "--run", "again", ...processes);
		stopped.interruptAt(/again-analysts +[1-9]\d? %/);
		expect((await stopped.ended).code).toBe(130);
		await using again = await startExample("analysis", url(), ...EVERY, "--run", "again", ...processes);
		const { output } = await again.ended;
		expect(output).toMatch(OK);
		expect(output).toMatch(/^going on at flight [\d,]+$/m);
	});
});

describe("the report of the analysis", () => {
	it("shows, in a browser without a network, the numbers of one pass over the file", async ({ task }) => {
		Object.assign(task.meta, { backend: "memory" });
		await using browser = await startChromium();
		const folder = await mkdtemp(join(tmpdir(), "polylog-report-"));
		const file = join(folder, "report.html");
		await writeFile(file, first.report ?? "");
		const page = await browser.newPage();
		const asked: string[] = [];
		const complaints: string[] = [];
		page.on("request", (request) => asked.push(request.url()));
		page.on("console", (message) => complaints.push(message.text()));
		page.on("pageerror", (error) => complaints.push(error.message));
		await page.goto(pathToFileURL(file).href);
		expect(asked).toEqual([pathToFileURL(file).href]);
		expect(complaints).toEqual([]);
		for (const figure of ["hour", "distance", "day", "airports", "throughput", "lag", "members", "forecast"]) {
			const { width = 0, height = 0 } = (await page.locator(`#${figure} svg`).boundingBox()) ?? {};
			expect({ figure, drawn: width > 300 && height > 100 }).toEqual({ figure, drawn: true });
		}
		const bars = await page
			.locator("#hour [aria-roledescription=bar]")
			.evaluateAll((elements) => elements.map((element) => element.getAttribute("aria-label") ?? ""));
		const drawn = bars.map((label) => /^hour: (\d+); average delay, minutes: (.+)$/.exec(label)?.slice(1) ?? [label]);
		expect(drawn.map(([hour, delay]) => [Number(hour), Number(delay?.replace("−", "-"))])).toEqual(await meansByHour());
		await rm(folder, { recursive: true });
	});
});

/** Plain SQL over the file, with nothing of the example in it. */
async function meansByHour(): Promise<number[][]> {
	const parquet = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
	const connection = await (await DuckDBInstance.create(":memory:")).connect();
	const result = await connection.runAndReadAll(`
		SELECT hour(date)::INT, round(sum(delay)::INT / count(*), 2) FROM read_parquet('${parquet}', file_row_number = true)
		WHERE file_row_number % 100 = 0 GROUP BY ALL HAVING count(*) > 60 ORDER BY ALL`);
	connection.closeSync();
	return result.getRowsJS() as number[][];
}

function sorted(totals: Record<string, Record<string, unknown>>): string {
	return JSON.stringify(
		Object.entries(totals).map(([name, sums]) => [name, Object.entries(sums).toSorted(([a], [b]) => (a < b ? -1 : 1))]),
	);
}

// examples/analysis as a user starts it, with a member killed in the middle; its report opened in a real browser.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Browser } from "playwright-core";
import { describe, expect, it } from "vitest";
import { startChromium } from "../src/chromium.ts";
import { leftBehind, startExample } from "../src/example.ts";
import { afterwards, describeOnBackends, survives } from "../src/example-backends.ts";

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

	it(`ends at Ctrl-C, and then ${afterwards(backend)}`, async () => {
		await using stopped = await startExample("analysis", url(), ...EVERY, "--run", "again", ...processes);
		stopped.interruptAt(/again-analysts +[1-9]\d? %/);
		const { code, output } = await stopped.ended;
		expect(output).toContain(`it ${afterwards(backend)}`);
		expect(code).toBe(130);
		await using again = await startExample("analysis", url(), ...EVERY, "--run", "again", ...processes);
		const ended = await again.ended;
		expect(ended.output).toMatch(OK);
		expect(/^going on at flight [\d,]+$/m.test(ended.output)).toBe(survives(backend));
	});
});

describe("the report of the analysis", () => {
	it("shows, in a browser without a network, the numbers of one pass over the file", async ({ task }) => {
		Object.assign(task.meta, { backend: "memory" });
		await using browser = await startChromium();
		await using report = await openReport(browser, first.report ?? "");
		for (const figure of ["hour", "distance", "day", "airports", "throughput", "lag", "members", "forecast"]) {
			const { width = 0, height = 0 } = (await report.page.locator(`#${figure} svg`).boundingBox()) ?? {};
			expect({ figure, drawn: width > 300 && height > 100 }).toEqual({ figure, drawn: true });
		}
		expect(report.asked).toEqual([report.url]);
		expect(report.complaints).toEqual([]);

		const means = async (figure: string, mark: string, cell: string) =>
			(await report.labels(figure, mark)).map((label) => [label.get(cell), Number(label.get("average delay, minutes"))]);
		expect(await means("hour", "bar", "hour")).toEqual(await meansBy("hour(date)::INT", "HAVING count(*) > 60 ORDER BY cell::INT"));
		expect(await means("distance", "bar", "miles, from")).toEqual(
			await meansBy("(distance // 250 * 250)::INT", "HAVING cell::INT < 2750 ORDER BY cell::INT"),
		);
		expect(await means("airports", "bar", "airport")).toEqual(
			await meansBy("origin", "HAVING count(*) > 60 ORDER BY sum(delay)::INT / count(*) DESC, cell LIMIT 12"),
		);
		// Its axis names months, so the points are told apart by their order.
		const days = await meansBy("strftime(date, '%Y-%m-%d')", "ORDER BY cell");
		expect(days.length).toBeGreaterThan(170);
		expect((await means("day", "point", "day")).map(([, delay]) => delay)).toEqual(days.map(([, delay]) => delay));
	});

	it("shows what the group did: all flights once, a partition never with two, and who took over", async ({ task }) => {
		Object.assign(task.meta, { backend: "memory" });
		await using browser = await startChromium();
		await using report = await openReport(browser, first.report ?? "");
		const numbers = async (figure: string, title: string) =>
			(await report.labels(figure, "point")).map((label) => ({
				at: Number(label.get("seconds")),
				value: Number(label.get(title)),
				member: label.get("member"),
			}));

		const lag = await numbers("lag", "flights");
		expect(lag.at(-1)?.value).toBe(0);
		for (const [i, { value }] of lag.entries()) expect(value).toBeLessThanOrEqual(lag[i - 1]?.value ?? 30_000);
		// What was processed between two looks is what the lag lost. The first look has no rate yet.
		let processed = 30_000 - (lag[0]?.value ?? 0);
		let before = lag[0]?.at ?? 0;
		for (const { at, value } of await numbers("throughput", "flights per second")) {
			processed += value * (at - before);
			before = at;
		}
		expect(Math.round(processed)).toBe(30_000);

		const owners = await numbers("members", "partitions");
		const looks = Map.groupBy(owners, ({ at }) => at);
		for (const look of looks.values()) expect(look.reduce((sum, { value }) => sum + value, 0)).toBeLessThanOrEqual(8);
		const names = (look: typeof owners = []) => new Set(look.filter(({ value }) => value > 0).map(({ member }) => member));
		// The first look may come before all have joined.
		expect([...looks.values()].map((look) => names(look))).toContainEqual(new Set(["a", "b", "c"]));
		expect(names([...looks.values()].at(-1))).toEqual(new Set(["a", "c"]));
		expect([...looks.values()].at(-1)?.reduce((sum, { value }) => sum + value, 0)).toBe(8);
	});
});

/** What a mark says of itself: "hour: 7; average delay, minutes: 1.5". */
type Label = ReadonlyMap<string, string>;

async function openReport(browser: Browser, html: string) {
	const folder = await mkdtemp(join(tmpdir(), "polylog-report-"));
	const file = join(folder, "report.html");
	await writeFile(file, html);
	const url = pathToFileURL(file).href;
	const page = await browser.newPage();
	const asked: string[] = [];
	const complaints: string[] = [];
	page.on("request", (request) => asked.push(request.url()));
	page.on("console", (message) => complaints.push(message.text()));
	page.on("pageerror", (error) => complaints.push(error.message));
	await page.goto(url);
	return {
		page,
		url,
		asked,
		complaints,
		async labels(figure: string, mark: string): Promise<Label[]> {
			const labels = await page
				.locator(`#${figure} [aria-roledescription=${mark}]`)
				.evaluateAll((elements) => elements.map((element) => element.getAttribute("aria-label") ?? ""));
			return labels.map((label) => new Map(label.split("; ").map((part: string) => splitAt(part.replaceAll("−", "-")))));
		},
		[Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
	};
}

function splitAt(part: string): [string, string] {
	const at = part.indexOf(": ");
	return [part.slice(0, at), part.slice(at + 2)];
}

/** Plain SQL over the file, with nothing of the example in it. */
async function meansBy(cell: string, rest: string): Promise<(string | number)[][]> {
	const parquet = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
	const connection = await (await DuckDBInstance.create(":memory:")).connect();
	const result = await connection.runAndReadAll(`
		SELECT ${cell}::VARCHAR AS cell, round(sum(delay)::INT / count(*), 2) FROM read_parquet('${parquet}', file_row_number = true)
		WHERE file_row_number % 100 = 0 GROUP BY cell ${rest}`);
	connection.closeSync();
	return result.getRowsJS() as (string | number)[][];
}

function sorted(totals: Record<string, Record<string, unknown>>): string {
	return JSON.stringify(
		Object.entries(totals).map(([name, sums]) => [name, Object.entries(sums).toSorted(([a], [b]) => (a < b ? -1 : 1))]),
	);
}

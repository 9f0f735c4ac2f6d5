// The command as somebody types it, on a good backend and on one that breaks a promise.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHECKS, type Report, runAndPrint, type StoredReport, storedReport, tapped, themeOf } from "@polylog/conformance";
import { memoryAdapter } from "@polylog/core/testing";
import { describe, expect, it } from "vitest";
import { main } from "../src/cli/main.ts";
import { BROKEN_LOGS } from "./broken-logs.ts";

async function polylogConformance(...args: string[]) {
	const [out, errors]: [string[], string[]] = [[], []];
	const code = await main(args, { out: (line) => out.push(line), error: (line) => errors.push(line) });
	return { code, stdout: out.join("\n"), stderr: errors.join("\n") };
}

describe("polylog-conformance", () => {
	it("prints a table, writes the report, and ends with 0 when nothing is broken", { timeout: 30_000 }, async () => {
		const folder = mkdtempSync(join(tmpdir(), "kit-"));
		try {
			const file = join(folder, "report.json");
			const { code, stdout, stderr } = await polylogConformance(
				..."--broker memory: --seed s1 --only reading,processes --report".split(" "),
				file,
			);
			expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
			const reading = CHECKS.filter(({ id }) => themeOf(id) === "reading").length;
			expect(stdout).toMatch(new RegExp(`^ {2}reading +${reading} +- +-$`, "m"));
			expect(stdout).toMatch(/^ {2}processes +- +6 +-$/m);
			const stored = JSON.parse(readFileSync(file, "utf8")) as StoredReport;
			expect(stored).toMatchObject({ backend: "memory", seed: "s1", kept: reading, unsupported: 6, broken: 0 });
			expect(stored.checks["processes.share"]).toBe("unsupported: memory declares no multiProcess");
			expect(stored.checks["reading.tail"]).toBe("kept");
		} finally {
			rmSync(folder, { recursive: true });
		}
	});

	it("says how it is used, without a stack, and ends with 2", { timeout: 30_000 }, async () => {
		const { code, stderr } = await polylogConformance("--brokre", "memory:");
		expect(code).toBe(2);
		expect(stderr).toContain("--broker   whatever connect() takes");
		expect(stderr).not.toMatch(/\n\s+at /);
	});
});

describe("a broken check", () => {
	it("is printed with its promise, the seed, and the command that repeats it", async () => {
		const lines: string[] = [];
		const broken = BROKEN_LOGS["keeps no headers"];
		if (!broken) throw new Error("no such driver");
		const adapter = { ...tapped(memoryAdapter, broken.tap), schemes: ["broken"] };
		const harness = { name: "broken", adapter, start: async () => ({ config: { url: "broken:command", adapters: { broken: adapter } } }) };
		const report = await runAndPrint(harness, {
			seed: "s2",
			only: ["records.headers"],
			command: "the-kit --broker broken:",
			print: (line) => lines.push(line),
		});
		const said = lines.join("\n");
		expect(said).toContain("records.headers is broken (seed s2): headers with odd names");
		expect(said).toContain("again: the-kit --broker broken: --seed s2 --only records.headers");
		expect(storedReport(report).checks["records.headers"]).toMatch(/^broken: header __proto__/);
	});
});

describe("a report that is kept", () => {
	it("is the same text for the same result, however long the checks took", () => {
		const report = (ms: number): Report => ({
			backend: "b",
			server: "B 1",
			seed: "s",
			capabilities: {} as Report["capabilities"],
			results: [{ id: "a.b", promise: "p", status: "kept", ms }],
		});
		expect(storedReport(report(1))).toEqual(storedReport(report(2)));
	});
});

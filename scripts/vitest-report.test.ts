import { describe, expect, it } from "vitest";
import { countReport } from "./vitest-report.ts";

const file = (status: string, ...assertionResults: { status: string; meta?: { backend?: string; version?: string } }[]) => ({
	name: "a.test.ts",
	status,
	assertionResults,
});

describe("countReport", () => {
	it("counts skipped, todo and pending tests as skipped", () => {
		const report = {
			success: true,
			testResults: [file("passed", { status: "passed" }, { status: "todo" }, { status: "pending" }, { status: "skipped" })],
		};
		expect(countReport(report, "unit", "Node 24")).toEqual([{ suite: "unit", version: "Node 24", passed: 1, failed: 0, skipped: 3 }]);
	});

	it("keeps backends and their versions apart", () => {
		const on = (version: string) => ({ status: "passed", meta: { backend: "redis-streams", version } });
		const rows = countReport(
			{ success: true, testResults: [file("passed", on("Redis 7.0.15"), on("Redis 8.0.2"), on("Redis 8.0.2"))] },
			"integration",
			"?",
		);
		expect(rows.map(({ suite, version, passed }) => [suite, version, passed])).toEqual([
			["integration: redis-streams", "Redis 7.0.15", 1],
			["integration: redis-streams", "Redis 8.0.2", 2],
		]);
	});

	it("counts a file that could not be loaded as one failure", () => {
		expect(countReport({ success: false, testResults: [file("failed")] }, "unit", "Node 24")).toMatchObject([{ failed: 1 }]);
	});

	it("counts a failed hook as a failure although every test passed", () => {
		expect(countReport({ success: false, testResults: [file("failed", { status: "passed" })] }, "unit", "Node 24")).toMatchObject([
			{ passed: 1, failed: 1 },
		]);
	});
});

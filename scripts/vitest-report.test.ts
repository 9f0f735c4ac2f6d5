import { describe, expect, it } from "vitest";
import { countReport, formatFailures, formatTable, sumCounts } from "./vitest-report.ts";

const file = (
	status: string,
	...assertionResults: {
		status: string;
		fullName?: string;
		failureMessages?: string[];
		meta?: { backend?: string; version?: string; how?: string; reason?: string };
	}[]
) => ({
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
		expect(countReport(report, "unit", "Node 24")).toMatchObject([
			{ suite: "unit", version: "Node 24", how: "", passed: 1, failed: 0, unsupported: 0, skipped: 3 },
		]);
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

	it("keeps what failed, with the first line of what it said, and a file that crashed", () => {
		const failed = { status: "failed", fullName: "a lane waits", failureMessages: ["Error: 1 is not 2\n\nat x"] };
		const crashed = { ...file("failed"), message: "cannot be loaded\nat y" };
		const rows = countReport({ success: false, testResults: [file("failed", failed, failed), crashed] }, "unit", "Node 24");
		expect(rows).toMatchObject([{ failed: 3 }]);
		const one = "FAILED unit, Node 24: a lane waits: Error: 1 is not 2";
		expect(formatFailures(rows)).toEqual([one, one, expect.stringMatching(/^FAILED unit, Node 24: .*a\.test\.ts: cannot be loaded$/)]);
		expect(formatFailures(rows, 1)).toEqual([one, "and 2 more"]);
	});

	it("keeps apart how a broker was provided", () => {
		const via = (how: string) => ({ status: "passed", meta: { backend: "redis-streams", version: "Redis 8.0.2", how } });
		const rows = countReport({ success: true, testResults: [file("passed", via("native"), via("Testcontainers"))] }, "integration", "?");
		expect(rows.map(({ how, passed }) => [how, passed])).toEqual([
			["native", 1],
			["Testcontainers", 1],
		]);
	});

	it("counts what a backend does not support apart from what was skipped, and gives the reasons", () => {
		const not = (reason: string) => ({ status: "skipped", meta: { backend: "kafka", version: "Kafka 4.1.1", how: "native", reason } });
		const report = {
			success: true,
			testResults: [file("passed", not("unsupported: kafka declares no x"), not("no engine"), not("no engine"))],
		};
		const rows = countReport(report, "integration", "?");
		expect(rows).toMatchObject([{ unsupported: 1, skipped: 2 }]);
		expect(sumCounts(rows)).toBe("0 passed, 0 failed, 3 skipped");
		expect(formatTable(rows)).toEqual([
			"suite               version      how     passed  failed  unsupported  skipped",
			"integration: kafka  Kafka 4.1.1  native       0       0            1        2",
			"",
			"not run: 1 of integration: kafka, Kafka 4.1.1: unsupported: kafka declares no x",
			"not run: 2 of integration: kafka, Kafka 4.1.1: no engine",
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

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Check, CHECKS, type StoredCheck, themeOf } from "@polylog/conformance";
import type { Capabilities } from "@polylog/core";
import { describe, expect, it } from "vitest";
import { ROOT } from "./packages.ts";
import { guaranteesText, KEPT, type NamedReport, problemsOf, strayReports } from "./guarantees.ts";

const capabilities: Capabilities = {
	durability: "none",
	multiProcess: false,
	idempotentAppend: true,
	producerFencing: true,
	headerMultimap: true,
	tombstones: true,
	offsetAt: true,
	growTopics: true,
	commitsOutliveTopic: true,
	nativeGroupView: false,
};
const lacks = (check: Check) => (check.needs ?? []).some((flag) => !capabilities[flag]);
const results = CHECKS.map((check): [string, StoredCheck] => [check.id, lacks(check) ? "unsupported: no multiProcess" : "kept"]);
const report: NamedReport = {
	name: "b",
	backend: "b",
	server: "B 1",
	seed: "s",
	capabilities,
	kept: 0,
	unsupported: 0,
	broken: 0,
	checks: Object.fromEntries(results),
};
const declared = new Map([["b", capabilities]]);
const problems = (changed: Partial<NamedReport>, by = declared) => problemsOf({ ...report, ...changed }, CHECKS, by);
const [first, ...rest] = results;

describe("a report", () => {
	it("is good when the kit, the capabilities and the results agree, whatever the server's durability is", () => {
		expect(problems({})).toEqual([]);
		expect(problems({ capabilities: { ...capabilities, durability: "quorum" } })).toEqual([]);
	});

	it.each<[string, string[], RegExp]>([
		["the kit has got another check", problems({ checks: Object.fromEntries(rest) }), /the kit has driver.credit, which was not run/],
		["a check is gone", problems({ checks: { ...report.checks, "old.check": "kept" } }), /no old.check any more/],
		[
			"the adapter declares something else",
			problems({}, new Map([["b", { ...capabilities, tombstones: false }]])),
			/declares tombstones: false/,
		],
		["something was skipped without need", problems({ checks: { ...report.checks, "reading.tail": "unsupported: hm" } }), /say otherwise/],
		["something counts as kept that is not there", problems({ checks: { ...report.checks, "processes.share": "kept" } }), /say otherwise/],
		[
			"a promise is broken",
			problems({ checks: { ...report.checks, "reading.tail": "broken: no tail" } }),
			/reading.tail is broken: no tail/,
		],
		["there is no such backend", problems({ backend: "c" }), /no backend c/],
	])("is stale or bad when %s", (_, found, problem) => {
		expect(first?.[0]).toBe("driver.credit");
		expect(found.join("\n")).toMatch(problem);
	});
});

describe("the reports", () => {
	it("are all there, of every backend and of Redis in each of its forms, and no others", () => {
		expect(KEPT).toEqual(expect.arrayContaining(["memory", "redis", "redis-cluster", "redis-sentinel", "valkey"]));
		expect(strayReports(KEPT)).toEqual([]);
		expect(strayReports(KEPT.filter((name) => name !== "redis-cluster"))).toEqual([
			expect.stringContaining("redis-cluster.json is missing"),
		]);
		expect(strayReports([...KEPT, "redis-old"])).toEqual([expect.stringContaining("redis-old.json is no report that is kept")]);
	});
});

describe("docs/guarantees.md", () => {
	it("shows each report's counts, what is unsupported, and the checks of each point", () => {
		const text = guaranteesText([report], CHECKS);
		expect(text).toMatch(/\| processes \| 0 \+ \d+ – \|/);
		expect(text).toMatch(/- b: unsupported `processes.share`/);
		for (let point = 1; point <= 16; point++) expect(text).toMatch(new RegExp(`^\\| ${point} \\| \``, "m"));
		expect(text).toContain("| `multiProcess` | no |");
	});
});

describe("docs/conformance/coverage.md", () => {
	it("names only checks and themes that there are", () => {
		const text = readFileSync(join(ROOT, "docs/conformance/coverage.md"), "utf8");
		const named = [...text.matchAll(/`([a-z-]+)\.([*a-zA-Z0-9-]+)`/g)].map(([, theme = "", name = ""]) => ({ theme, name }));
		const themes = new Set(CHECKS.map(({ id }) => themeOf(id)));
		const ofKit = named.filter(({ theme }) => themes.has(theme));
		expect(ofKit.length).toBeGreaterThan(100);
		const ids = new Set(CHECKS.map(({ id }) => id));
		expect(ofKit.filter(({ theme, name }) => name !== "*" && !ids.has(`${theme}.${name}`))).toEqual([]);
	});
});

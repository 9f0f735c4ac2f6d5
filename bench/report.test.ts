import { describe, expect, it } from "vitest";
import { figure } from "./figures.ts";
import { section, table, withSection } from "./report.ts";

const figures = [
	figure({ name: "produce", unit: "msgs/s", floor: 0.7 }, [{ polylog: 60_000, raw: 100_000 }]),
	figure({ name: "send to handler, p50", unit: "ms", floor: undefined }, [{ polylog: 2, raw: 1 }]),
];

describe("the table", () => {
	it("shows median and range of both sides and of the ratio, and says what is below its floor", () => {
		const [, rule, produce, latency] = table(figures).split("\n");
		expect(rule).toMatch(/^(\|-{5,})+\|$/);
		expect(produce?.replaceAll(/ +/g, " ")).toBe(
			"| produce, msgs/s | 60,000 (60,000 – 60,000) | 100,000 (100,000 – 100,000) | 0.60 (0.60 – 0.60) | 0.70 | BELOW |",
		);
		expect(latency?.replaceAll(/ +/g, " ")).toBe(
			"| send to handler, p50, ms | 2.00 (2.00 – 2.00) | 1.00 (1.00 – 1.00) | 0.50 (0.50 – 0.50) | – | |",
		);
	});

	it("has columns of one width", () => {
		expect(
			new Set(
				table(figures)
					.split("\n")
					.map((line) => line.length),
			).size,
		).toBe(1);
	});
});

it("says with every figure what it was measured with", () => {
	const text = section(
		{ broker: "redis", command: "npm run bench", versions: ["Redis 7.0.15"], date: "2026-01-01", machine: "2 cores", size: "5 pairs" },
		figures,
	);
	for (const part of ["redis", "npm run bench", "Redis 7.0.15", "2026-01-01", "2 cores", "5 pairs"]) expect(text).toContain(part);
});

describe("the results' file", () => {
	const results = "# Results\n\n<!-- redis -->\nold\n<!-- /redis -->\n\nbetween\n\n<!-- kafka -->\nkept\n<!-- /kafka -->\n";

	it("has one broker's section replaced and the rest as it was", () => {
		expect(withSection(results, "redis", "new")).toBe(results.replace("old", "new"));
	});

	it("has a new broker's section added at the end", () => {
		const added = withSection(results, "memory", "figures");
		expect(added).toBe(`${results}\n<!-- memory -->\nfigures\n<!-- /memory -->\n`);
		expect(withSection(added, "memory", "figures")).toBe(added);
	});
});

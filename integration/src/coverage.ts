// Which backends a test run covers: all of them, unless POLYLOG_TEST_BACKENDS lists some ("memory,kafka"). What was left
// out, the table of `npm test` says.
export const COVERAGE = ["memory", "redis-streams", "rabbitmq", "kafka", "containers"] as const;
export type Covered = (typeof COVERAGE)[number];

/** Files of tests that are for one of them only. */
export const TEST_FILES: Readonly<Record<Exclude<Covered, "memory">, readonly string[]>> = {
	"redis-streams": ["packages/redis-streams/test/**", "integration/test/interop-redis.int.test.ts"],
	rabbitmq: ["packages/rabbitmq/test/**", "integration/test/interop-rabbitmq.int.test.ts"],
	kafka: ["packages/kafka/test/**", "integration/test/interop-kafka.int.test.ts"],
	containers: [
		"integration/test/containers.int.test.ts",
		"packages/*/test/conformance-container.int.test.ts",
		"packages/redis-streams/test/conformance-valkey.int.test.ts",
	],
};

export function covered(env: Readonly<Record<string, string | undefined>> = process.env): ReadonlySet<Covered> {
	const asked = (env["POLYLOG_TEST_BACKENDS"] || "all").split(",").map((name) => name.trim());
	const unknown = asked.filter((name) => name !== "all" && !COVERAGE.some((known) => known === name));
	if (unknown.length > 0) throw new RangeError(`POLYLOG_TEST_BACKENDS names ${unknown.join(", ")}; there are ${COVERAGE.join(", ")}, all`);
	return new Set(COVERAGE.filter((name) => asked.includes("all") || asked.includes(name)));
}

/** The tests that this run leaves out. */
export function leftOut(): string[] {
	const run = covered();
	return Object.entries(TEST_FILES).flatMap(([name, files]) => (run.has(name as Covered) ? [] : files));
}

/** What to tell whoever reads the table. */
export function notRun(): string | undefined {
	const run = covered();
	const missing = COVERAGE.filter((name) => !run.has(name));
	return missing.length === 0 ? undefined : `Not run: ${missing.join(", ")} (POLYLOG_TEST_BACKENDS says so).`;
}

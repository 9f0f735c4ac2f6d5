// Which backends a test run covers. What is not settled yet (issue "Kafka and RabbitMQ") is asked for by name, and the
// table of `npm test` says that it was not run: POLYLOG_TEST_BACKENDS=all, or a list such as redis-streams,kafka.
export const COVERAGE = ["memory", "redis-streams", "rabbitmq", "kafka", "containers"] as const;
export type Covered = (typeof COVERAGE)[number];

const DEFAULT = "memory,redis-streams";

/** Files of tests that need more than the default, by what they need. */
export const TEST_FILES: Readonly<Record<"rabbitmq" | "kafka" | "containers", readonly string[]>> = {
	rabbitmq: ["packages/rabbitmq/test/**", "integration/test/interop-rabbitmq.int.test.ts"],
	kafka: ["packages/kafka/test/**", "integration/test/interop-kafka.int.test.ts"],
	containers: [
		"integration/test/containers.int.test.ts",
		"packages/kafka/test/conformance-container.int.test.ts",
		"packages/redis-streams/test/conformance-redis.int.test.ts",
		"packages/redis-streams/test/conformance-valkey.int.test.ts",
	],
};

export function covered(env: Readonly<Record<string, string | undefined>> = process.env): ReadonlySet<Covered> {
	const asked = (env["POLYLOG_TEST_BACKENDS"] || DEFAULT).split(",").map((name) => name.trim());
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
	return missing.length === 0 ? undefined : `Not run: ${missing.join(", ")} (under way; POLYLOG_TEST_BACKENDS=all runs everything).`;
}

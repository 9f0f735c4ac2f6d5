// Kinds of test, told apart by file name: unit (no broker, any order), integration (a real broker), conformance (the whole
// kit on one), e2e (processes, faults).
import { defineConfig } from "vitest/config";
import { leftOut } from "./integration/src/coverage.ts";

const SOURCE = "@polylog/source";
const NOT_TESTS = ["**/node_modules/**", "**/dist/**", ".cache/**"];
const KIT = "**/conformance-*.int.test.ts";
const NEEDS_BROKER = ["**/*.int.test.ts", "**/*.e2e.test.ts"];
/** Judges the history of every test that has groups. */
const HISTORIES = "integration/src/vitest-history.ts";
/** Stops what the tests' brokers leave running beyond a single test file. */
const END_OF_RUN = "integration/src/vitest-global-setup.ts";

export default defineConfig({
	// Packages resolve each other's source, so testing needs no build; vitest passes the conditions on to Node itself. Lowered to ES2024, since Node 22 has no `await using`.
	resolve: { conditions: [SOURCE, "module", "node", "development|production"] },
	ssr: { resolve: { conditions: [SOURCE, "module", "node", "development|production"] } },
	oxc: { target: "es2024" },
	test: {
		// What a test waits for comes: a second, vitest's own, is too little on a busy machine.
		expect: { poll: { timeout: 15_000 } },
		projects: [
			{
				extends: true,
				test: {
					name: "unit",
					include: ["**/*.test.ts"],
					exclude: [...NOT_TESTS, ...NEEDS_BROKER],
					// Nothing waits so long; a machine with too much to do may.
					testTimeout: 30_000,
					hookTimeout: 30_000,
				},
			},
			{
				extends: true,
				test: {
					name: "integration",
					include: ["**/*.int.test.ts"],
					exclude: [...NOT_TESTS, KIT, ...leftOut()],
					globalSetup: [END_OF_RUN],
					setupFiles: [HISTORIES],
					// On a busy machine rabbitmqctl takes eight seconds, and a test calls it up to four times.
					testTimeout: 120_000,
					// A broker may have to be installed first, or its image built.
					hookTimeout: 600_000,
					// They mostly wait.
					maxWorkers: 3,
				},
			},
			{
				extends: true,
				test: {
					name: "conformance",
					include: [KIT],
					exclude: [...NOT_TESTS, ...leftOut()],
					globalSetup: [END_OF_RUN],
					hookTimeout: 600_000,
					// A kit mostly waits, too; but with more at once its members miss their own times.
					maxWorkers: 2,
				},
			},
			{
				extends: true,
				test: {
					name: "e2e",
					include: ["**/*.e2e.test.ts"],
					exclude: [...NOT_TESTS, ...leftOut()],
					globalSetup: [END_OF_RUN],
					// Whole programs, some of them twice, on a machine that may have too much to do.
					testTimeout: 300_000,
					hookTimeout: 600_000,
					// Takes times and owns whole processes: one file at a time.
					fileParallelism: false,
				},
			},
		],
	},
});

// The suite has to bite: with core broken on purpose in every process, the case that looks there fails, and the checker says why.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ViolationKey } from "@polylog/conformance";
import { describe, expect, it } from "vitest";
import type { SourceMutation } from "../../scripts/source-mutation.ts";

const MAIN = fileURLToPath(new URL("../faults/main.ts", import.meta.url));
const core = (file: string) => `packages/core/src/${file}`;

interface Broken {
	readonly what: string;
	readonly mutation: SourceMutation;
	readonly case: string;
	readonly key: ViolationKey;
}

const BROKEN: readonly Broken[] = [
	{
		what: "a message counts as processed as soon as it is handed out",
		mutation: {
			file: core("consumer-group/partition-lane.ts"),
			find: "return this.#tracker.begin(record, this.#epoch);",
			replace: "const early = this.#tracker.begin(record, this.#epoch); this.#tracker.complete(early); return early;",
		},
		case: "F1",
		key: "commit-beyond-position",
	},
	{
		what: "a member goes on after its session: nobody asks for lease or fence",
		mutation: {
			file: core("consumer-group/partition-lane.ts"),
			find: "if (!this.ready || !this.#mayDispatch(false)) return undefined;",
			replace: "if (!this.ready) return undefined;",
		},
		case: "F3",
		key: "double-owner",
	},
	{
		what: "a message counts as stored though nobody knows",
		mutation: {
			file: "packages/redis-streams/src/appender.ts",
			find: 'const outcome = { status: certain ? "failed" : "unknown", error: describe(error, partition) } as const;',
			replace: 'const outcome = { status: "ok" };',
		},
		case: "F7",
		key: "unseen",
	},
	{
		what: "a repeated append is a new one",
		mutation: {
			file: "packages/redis-streams/src/appender.ts",
			find: "const { id, epoch, sequence } = producer;",
			replace: "const { epoch, sequence } = producer; const id = producer.id + Math.random();",
		},
		case: "F13",
		key: "duplicate",
	},
];

interface Report {
	readonly testResults: readonly {
		readonly assertionResults: readonly { readonly status: string; readonly failureMessages: readonly string[] }[];
	}[];
}

async function run(id: string, mutation: SourceMutation): Promise<Report> {
	const folder = await mkdtemp(join(tmpdir(), "polylog-bite-"));
	const report = join(folder, "report.json");
	const args = ["--conditions=@polylog/source", MAIN, "--broker", "redis", "--case", id, "--seed", "bite"];
	try {
		// It ends with 1, since the case fails.
		await new Promise((resolve) =>
			execFile(process.execPath, [...args, "--report", report, "--mutate", JSON.stringify(mutation)], { timeout: 300_000 }, resolve),
		);
		return JSON.parse(await readFile(report, "utf8")) as Report;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

describe("the fault suite with a broken core", { timeout: 340_000 }, () => {
	it.each(BROKEN)("fails $case under $key when $what", async ({ mutation, case: id, key }) => {
		const report = await run(id, mutation);
		const [result] = report.testResults.flatMap(({ assertionResults }) => assertionResults);
		expect(result?.status).toBe("failed");
		expect(result?.failureMessages.join("\n")).toContain(key);
	});
});

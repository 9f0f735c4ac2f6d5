// A toy adapter for a new log passes the whole kit, in several processes too: writing an adapter is a small thing.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeDriver } from "@polylog/conformance";
import { describe, expect, it } from "vitest";
import { adapter } from "./file-log/adapter.ts";

/** Twice the kit's own default: its members' processes share two cores in CI. */
const SESSION_TIMEOUT_MS = 3000;
const SOURCE = join(import.meta.dirname, "file-log");

async function start() {
	const folder = mkdtempSync(join(tmpdir(), "polylog-file-log-"));
	const stop = async () => rmSync(folder, { recursive: true });
	// By its path, as processes of their own are told: an application would name a package.
	return { config: { url: `file://${folder}`, adapters: { file: join(SOURCE, "adapter.ts") } }, server: "a folder", stop };
}

describeDriver({ name: "file", adapter, start, retention: { bytes: 20_000 } }, { describe, it }, { sessionTimeoutMs: SESSION_TIMEOUT_MS });

describe("the toy", () => {
	it("has fewer than 300 lines, all counted", () => {
		const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
		const lines = files.flatMap((file) => readFileSync(join(SOURCE, file), "utf8").trimEnd().split("\n"));
		expect(lines.length).toBeGreaterThan(200);
		expect(lines.length).toBeLessThan(300);
	});
});

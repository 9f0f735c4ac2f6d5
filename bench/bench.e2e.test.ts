// That the benchmark still runs, as its user runs it; a quick run says nothing about speed.
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

async function bench(...args: readonly string[]): Promise<string> {
	const command = ["--conditions=@polylog/source", "bench/main.ts", ...args];
	return (await promisify(execFile)(process.execPath, command, { cwd: ROOT, timeout: 100_000 })).stdout;
}

it.each(["memory", "redis"])("compares with the raw client on %s", async (broker) => {
	const output = await bench("--broker", broker, "--quick");
	for (const work of ["produce", "run, one by one", "runBatches", "p50", "p99"]) expect(output).toContain(work);
	expect(output).not.toContain("NaN");
});

it("says what it can do when it is asked for something else", async () => {
	await expect(bench("--broker", "punch-cards")).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("--quick") });
});

// The application of the README, the very file, on every backend there is.
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { startBroker } from "../src/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");

async function billed(url: string): Promise<{ customers: Record<string, number[]>; lag: string | undefined }> {
	const command = ["--conditions=@polylog/source", "examples/orders/app.ts"];
	const { stdout } = await promisify(execFile)(process.execPath, command, {
		cwd: ROOT,
		env: { ...process.env, POLYLOG_URL: url },
		timeout: 100_000,
	});
	const customers: Record<string, number[]> = {};
	for (const [, customer = "", total] of stdout.matchAll(/customer (\S+) pays (\d+)/g)) (customers[customer] ??= []).push(Number(total));
	return { customers, lag: /^lag (\S+)$/m.exec(stdout)?.[1] };
}

const EXPECTED = Object.fromEntries(
	["c0", "c1", "c2", "c3", "c4"].map((customer, c) => [customer, [0, 1, 2, 3].map((i) => 3 * (i * 5 + (c || 5)))]),
);

it("bills every order once, each customer's in order, on the embedded backend", async ({ task }) => {
	Object.assign(task.meta, { backend: "memory" });
	expect(await billed("memory:")).toEqual({ customers: EXPECTED, lag: "0n" });
});

it("does the same on Redis, unchanged", async ({ task }) => {
	await using redis = await startBroker("redis", { own: true });
	Object.assign(task.meta, { backend: "redis-streams", version: `Redis ${redis.version}` });
	expect(await billed(redis.url)).toEqual({ customers: EXPECTED, lag: "0n" });
});

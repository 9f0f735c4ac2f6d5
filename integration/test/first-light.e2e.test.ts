// The demonstration as a user starts it: on the embedded backend and on real brokers, with members in its process and as
// processes. What its verdict says about bad runs is tested with report.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { fair, waitedForProcessor } from "@polylog/conformance";
import { connect } from "@polylog/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { BACKENDS, reportBackend, type RunningBackend, startBackend } from "../src/backends.ts";
import { type RunningBroker, startBroker } from "../src/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "examples/first-light/main.ts");
/** For `npm start` as it is. */
const LONGEST_MS = 45_000;

interface Ended {
	readonly code: number | null;
	readonly output: string;
	readonly tookMs: number;
	/** For so long its main thread waited for a processor, as far as that was seen. */
	readonly waitedMs: number;
}

function start(url: string | undefined, ...args: string[]): ChildProcess {
	const { POLYLOG_URL: _, ...env } = process.env;
	return spawn(process.execPath, ["--conditions=@polylog/source", PROGRAM, ...args], {
		cwd: ROOT,
		env: { ...env, ...(url === undefined ? {} : { POLYLOG_URL: url }) },
		stdio: ["ignore", "pipe", "pipe"],
	});
}

/** Ends it as Ctrl-C does when work is under way; the time is that from there on. */
async function interrupted(child: ChildProcess): Promise<Ended> {
	let sinceMs: number | undefined;
	const ended = await untilEnd(child, (text) => {
		if (sinceMs !== undefined || !/\d+ %.+\d\/s/.test(text)) return;
		sinceMs = performance.now();
		child.kill("SIGINT");
	});
	return { ...ended, tookMs: performance.now() - (sinceMs ?? 0) };
}

async function untilEnd(child: ChildProcess, onOutput: (output: string) => void = () => {}): Promise<Ended> {
	const startMs = performance.now();
	let output = "";
	let waitedMs = 0;
	for (const stream of [child.stdout, child.stderr]) {
		stream?.on("data", (chunk: Buffer) => {
			output += chunk.toString();
			waitedMs = Math.max(waitedMs, waitedForProcessor(String(child.pid)));
			onOutput(output);
		});
	}
	const [code] = (await once(child, "close")) as [number | null];
	return { code, output, tookMs: performance.now() - startMs, waitedMs };
}

const run = (url: string | undefined, ...args: string[]) => untilEnd(start(url, ...args));

function expectGoodRun({ code, output }: Ended): void {
	expect(output).not.toMatch(/FAILED|\[object|undefined|NaN/);
	expect(output).toMatch(/^ok +records in 200,000 = distinct records processed 200,000$/m);
	expect(output).toMatch(/^ok +count and checksum of every partition are the source's$/m);
	expect(output).toMatch(/^ok +[\d,]+ duplicates, of at most [\d,]+ that b had been given and not committed/m);
	expect(output).toMatch(/^ok +0 duplicates from elsewhere/m);
	expect(output).toMatch(/^ok +killed → first record by the new owner: \d+\.\d s at most/m);
	expect(output).toMatch(/^ok +joined → first record: \d+\.\d s at most/m);
	for (const share of ["10", "50", "90"]) expect(output).toMatch(new RegExp(`^ +${share} % +\\d+\\.\\d s +\\d+\\.\\d s +[+-]?\\d+ %`, "m"));
	expect(output.match(/^ +[0-7] +[\d,]+ +[\d,]+ +(\w{13}) +\1$/gm)).toHaveLength(8);
	expect(output).toMatch(/a: [\d ]+\| b: [\d ]+\| c: [\d ]+ {2}[\d,]+\/s {2}lag [\d,]+ {2}left \d/);
	expect(output).toMatch(/^flowchart LR\n\tp0\(\["gates"\]\)\n[^]*\n\tt0 -->\|"\d+\/s, lag 0"\| c0$/m);
	expect(code).toBe(0);
}

/** Names that runs left on the broker. */
async function leftBehind(url: string): Promise<string[]> {
	await using broker = await connect(url);
	return [...(await broker.topics.list()), ...(await broker.consumerGroups())].filter((name) => name.startsWith("first-light"));
}

describe("first light on the embedded backend", () => {
	beforeEach(({ task }) => {
		Object.assign(task.meta, { backend: "memory" });
	});

	it("holds every claim, with no broker and no configuration", async () => {
		const ended = await run(undefined);
		expectGoodRun(ended);
		expect(ended.output).toContain("memory:, asked for by name");
		expect(fair(ended.tookMs, ended.waitedMs)).toBeLessThan(LONGEST_MS);
	});

	it("refuses members as processes before anything starts, and says what to do", async () => {
		const { code, output } = await run(undefined, "--processes");
		expect(code).toBe(1);
		expect(output).toMatch(/multiProcess/);
		expect(output).toContain("POLYLOG_URL=redis://");
		expect(output).not.toContain("flights,");
	});

	it("refuses an option that it does not know", async () => {
		const { code, output } = await run(undefined, "--frobnicate");
		expect(code).toBe(2);
		expect(output).toContain("--frobnicate");
		expect(output).toContain("--processes");
	});
});

describe("first light on Redis", () => {
	let redis: RunningBroker;

	beforeAll(async () => {
		redis = await startBroker("redis");
	});

	beforeEach(({ task }) => {
		Object.assign(task.meta, { backend: "redis-streams", version: `Redis ${redis.version}` });
	});

	afterAll(async () => {
		await redis?.dispose();
	});

	it.each([
		{ mode: "in its process", args: [] },
		{ mode: "as processes, one ended by SIGKILL", args: ["--processes"] },
	])("holds every claim with members $mode, and leaves nothing behind", async ({ args }) => {
		expectGoodRun(await run(redis.url, ...args));
		expect(await leftBehind(redis.url)).toEqual([]);
	});

	it.each([
		{ mode: "in its process", args: [] },
		{ mode: "as processes", args: ["--processes"] },
	])("ends at Ctrl-C with members $mode, and leaves nothing behind", async ({ args }) => {
		const { code, output, tookMs } = await interrupted(start(redis.url, ...args));
		expect(output).toContain("ended by SIGINT");
		expect(code).toBe(130);
		expect(tookMs).toBeLessThan(20_000);
		expect(await leftBehind(redis.url)).toEqual([]);
	});

	it("holds every claim though the broker is killed and started again on the way", async () => {
		await using own = await startBroker("redis", { own: true });
		let again: Promise<void> | undefined;
		const ended = await untilEnd(start(own.url), (text) => {
			if (again || !/ 2\d %  a:/.test(text)) return;
			again = own.kill().then(() => own.start());
		});
		await again;
		expect(again).toBeDefined();
		expectGoodRun(ended);
		expect(await leftBehind(own.url)).toEqual([]);
	});

	it("says where it cannot connect", async () => {
		const { code, output } = await run("redis://:not-to-be-shown@127.0.0.1:1");
		expect(code).toBe(1);
		expect(output).toContain("127.0.0.1:1");
		expect(output).not.toContain("not-to-be-shown");
	});
});

describe.each(BACKENDS.filter((backend) => backend === "rabbitmq" || backend === "kafka"))("first light on %s", (backend) => {
	let running: RunningBackend;

	beforeAll(async () => {
		running = await startBackend(backend);
	}, 300_000);

	beforeEach((context) => reportBackend(context, backend, running));

	afterAll(async () => {
		await running?.[Symbol.asyncDispose]();
	});

	it("holds every claim with members in its process, and leaves nothing behind", async () => {
		expectGoodRun(await run(running.url));
		expect(await leftBehind(running.url)).toEqual([]);
	});

	it("holds every claim with members as processes, one ended by SIGKILL, and leaves nothing behind", async () => {
		expectGoodRun(await run(running.url, "--processes"));
		expect(await leftBehind(running.url)).toEqual([]);
	});

	it("ends at Ctrl-C, and leaves nothing behind", async () => {
		const { code, output, tookMs } = await interrupted(start(running.url));
		expect(output).toContain("ended by SIGINT");
		expect(code).toBe(130);
		expect(tookMs).toBeLessThan(20_000);
		expect(await leftBehind(running.url)).toEqual([]);
	});

	it("says where it cannot connect", async () => {
		const { code, output } = await run(`${new URL(running.url).protocol}//someone:not-to-be-shown@127.0.0.1:1`);
		expect(code).toBe(1);
		expect(output).toContain("127.0.0.1:1");
		expect(output).not.toContain("not-to-be-shown");
	});
});

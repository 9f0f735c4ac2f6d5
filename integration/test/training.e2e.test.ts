// examples/training as a user starts it, with a trainer killed in the middle: the same models to the last bit, everywhere.
import { expect, it } from "vitest";
import { leftBehind, startExample } from "../src/example.ts";
import { afterwards, describeOnBackends } from "../src/example-backends.ts";

/** Of 3,000,000 flights: 30,000. */
const EVERY = ["--every", "100"];
const SAME = /^ok +both models are those of one pass over the log, to the last bit$/m;
const ONCE = /^ok +30,000 of 30,000 flights were learnt, each once$/m;

interface Score {
	readonly model: number;
	readonly batch: number;
	readonly majority: number;
}

function scoreOf(output: string): Score {
	const percent = (what: string) => Number(new RegExp(`^ +([\\d.]+) % +${what}`, "m").exec(output)?.[1]);
	return { model: percent("first model"), batch: percent("batch fit"), majority: percent("whoever always") };
}

/** What the first backend made of it. */
const first: { models?: string } = {};

describeOnBackends("training", (url, backend, processes) => {
	it("skips and repeats no flight, though a trainer is killed, and gives the same models as everywhere", async () => {
		await using run = await startExample("training", url(), ...EVERY, ...processes);
		const { code, output } = await run.ended;
		expect(output).toContain("member b is killed");
		expect(output).toMatch(SAME);
		expect(output).toMatch(ONCE);
		expect(code).toBe(0);
		const models = await run.result("models.json");
		expect(models === (first.models ??= models)).toBe(true);
		const { model, batch, majority } = scoreOf(output);
		expect(model).toBeGreaterThan(majority + 1);
		expect(model).toBeGreaterThan(batch - 3);
		expect(await run.result("report.html")).toContain("<svg");
		expect(await leftBehind(url(), "training")).toEqual([]);
	});

	it(`ends at Ctrl-C, and then ${afterwards(backend)}`, async () => {
		await using stopped = await startExample("training", url(), ...EVERY, "--run", "again", ...processes);
		stopped.interruptAt(/again-first +[1-9]\d? %/);
		const ended = await stopped.ended;
		expect(ended.output).toContain(`it ${afterwards(backend)}`);
		expect(ended.code).toBe(130);
		await using again = await startExample("training", url(), ...EVERY, "--run", "again", ...processes);
		const { output } = await again.ended;
		expect(output).toMatch(ONCE);
		expect(output).toMatch(SAME);
	});
});

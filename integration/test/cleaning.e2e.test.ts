// examples/cleaning as a user starts it, with a member killed in the middle: the same bytes come out on every backend.
import { expect, it } from "vitest";
import { leftBehind, startExample } from "../src/example.ts";
import { afterwards, describeOnBackends, survives } from "../src/example-backends.ts";

const OK = /^ok +what came out is what one pass over the rows makes of them, byte for byte$/m;
const FILES = ["clean.ndjson", "rejected.ndjson", "quality.json"];

/** What the first backend made of it. */
const first = new Map<string, string>();

describeOnBackends("cleaning", (url, backend, processes) => {
	it("gives the same bytes as everywhere, though a member is killed, and leaves nothing behind", async () => {
		await using run = await startExample("cleaning", url(), ...processes);
		const { code, output } = await run.ended;
		expect(output).toContain("member b is killed");
		expect(output).toMatch(OK);
		expect(code).toBe(0);
		for (const file of FILES) {
			const bytes = await run.result(file);
			expect(bytes.length).toBeGreaterThan(1_000);
			expect(bytes === (first.get(file) ?? bytes), `${file} is the one of the first backend`).toBe(true);
			first.set(file, bytes);
		}
		expect(await leftBehind(url(), "cleaning")).toEqual([]);
	});

	it(`ends at Ctrl-C, and then ${afterwards(backend)}`, async () => {
		await using stopped = await startExample("cleaning", url(), "--run", "again", ...processes);
		stopped.interruptAt(/ [1-9]\d? %/);
		const { code, output } = await stopped.ended;
		expect(output).toContain(`it ${afterwards(backend)}`);
		expect(code).toBe(130);
		await using again = await startExample("cleaning", url(), "--run", "again", ...processes);
		const ended = await again.ended;
		expect(/^going on at row \d+$/m.test(ended.output)).toBe(survives(backend));
		expect(ended.output).toMatch(OK);
		expect(await again.result("clean.ndjson")).toBe(first.get("clean.ndjson"));
	});
});

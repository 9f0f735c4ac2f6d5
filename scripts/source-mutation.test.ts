import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { mutated, type SourceMutation } from "./source-mutation.ts";

const MURMUR = "packages/core/src/murmur2.ts";
const PROGRAM = 'const { stickyAssignor } = await import("@polylog/core"); console.log(stickyAssignor.name);';

async function run(mutation: SourceMutation): Promise<{ code: number; output: string }> {
	const { execArgv, env } = mutated(mutation);
	try {
		const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, "--input-type=module", "-e", PROGRAM], {
			env: { ...process.env, ...env },
		});
		return { code: 0, output: stdout };
	} catch (error) {
		const { code, stderr } = error as { code: number; stderr: string };
		return { code, output: stderr };
	}
}

describe("a mutated source", () => {
	it("replaces the expression in the process that is started with it", async () => {
		const file = "packages/core/src/consumer-group/assignors/sticky.ts";
		expect(await run({ file, find: 'name: "sticky"', replace: 'name: "mutant"' })).toEqual({ code: 0, output: "mutant\n" });
	});

	it.each([
		["is not there", { file: MURMUR, find: "no such expression", replace: "" }, /is 0 times/],
		["is there more than once", { file: MURMUR, find: "const ", replace: "" }, /times in/],
		["is of a file that is never loaded", { file: "packages/core/src/nowhere.ts", find: "a", replace: "b" }, /never loaded/],
	])("fails loudly if the expression %s", async (_, mutation, message) => {
		const { code, output } = await run(mutation);
		expect(code).not.toBe(0);
		expect(output).toMatch(message);
	});
});

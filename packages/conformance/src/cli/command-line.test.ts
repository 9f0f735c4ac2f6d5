import { describe, expect, it } from "vitest";
import { parseCommandLine, UsageError } from "./command-line.ts";

const parse = (...args: string[]) => parseCommandLine(args, "usage");

describe("the command line", () => {
	it("takes ids one by one, with commas, or after --only", () => {
		expect(parse("--broker", "memory:", "--only", "commits,lag.exact", "groups").only).toEqual(["commits", "lag.exact", "groups"]);
		expect(parse("--broker=memory:", "--only", "a", "--only", "b")).toEqual({ broker: "memory:", only: ["a", "b"] });
	});

	it("has everything but the broker optional", () => {
		expect(parse("--broker", "x:", "--seed", "7", "--report", "r.json", "--server", "X 1")).toEqual({
			broker: "x:",
			only: [],
			seed: "7",
			report: "r.json",
			server: "X 1",
		});
	});

	it.each([[[]], [["--broker", "x:", "stray"]], [["--broker", "x:", "--sed", "1"]], [["--help"]]])("says how it is used: %j", (args) => {
		expect(() => parse(...args)).toThrow(UsageError);
		expect(() => parse(...args)).toThrow(/usage/);
	});
});

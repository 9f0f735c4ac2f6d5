import { describe, expect, it } from "vitest";
import { commandOf, readOptions } from "./options.ts";

describe("the options of simulate", () => {
	it.each([
		[[], { mode: "many", seeds: 1000, seed: undefined }],
		[["--seeds", "5", "--seed", "7"], { mode: "many", seeds: 5, seed: 7 }],
		[["--seed", "7"], { mode: "one", seed: 7, cuts: {} }],
		[["--ci"], { mode: "ci" }],
	])("%j", (args, options) => {
		expect(readOptions(args)).toMatchObject(options);
	});

	it("read back the command of a shortened plan", () => {
		const cuts = { faults: [1, 3], members: [0], messages: 4, calm: true };
		const [, , , , ...args] = commandOf(9, "storm", cuts).split(" ");
		expect(readOptions(args)).toMatchObject({ mode: "one", seed: 9, scenario: "storm", cuts });
		expect(readOptions(commandOf(9, undefined, { faults: [] }).split(" ").slice(4))).toMatchObject({ cuts: { faults: [] } });
	});

	it.each([
		[["--seed", "x"], /whole number/],
		[["--faults", "1"], /go with one --seed/],
		[["--nonsense"], /nonsense/],
	])("refuse %j", (args, message) => {
		expect(() => readOptions(args)).toThrow(message);
	});
});

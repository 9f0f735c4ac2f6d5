import { describe, expect, it } from "vitest";
import { backendUrl, parseOptions } from "./options.ts";

describe("the command line", () => {
	it("is three members in one process without options", () => {
		expect(parseOptions([])).toEqual({ processes: false, members: 3, help: false });
	});

	it("takes its options", () => {
		expect(parseOptions(["--processes", "--members", "5"])).toEqual({ processes: true, members: 5, help: false });
		expect(parseOptions(["--help"]).help).toBe(true);
	});

	it.each([
		["--frobnicate"],
		["more"],
		["--members", "1"],
		["--members", "9"],
		["--members", "three"],
		["--members", "2.5"],
		["--members", ""],
	])("refuses %s %s", (...args) => {
		expect(() => parseOptions(args)).toThrow(/--members must|Unknown option|Unexpected argument/);
	});
});

describe("the backend", () => {
	it("is the embedded one by name unless POLYLOG_URL names another", () => {
		expect(backendUrl({})).toBe("memory:first-light");
		expect(backendUrl({ POLYLOG_URL: "" })).toBe("memory:first-light");
		expect(backendUrl({ POLYLOG_URL: "redis://h:1" })).toBe("redis://h:1");
	});

	it("is shared by the connections of the members also where it is called memory: alone", () => {
		expect(backendUrl({ POLYLOG_URL: "memory:" })).toBe("memory:first-light");
		expect(backendUrl({ POLYLOG_URL: "memory:other" })).toBe("memory:other");
	});
});

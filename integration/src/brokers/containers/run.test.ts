import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import { currentRun, isAlive, parseRun } from "./run.ts";

describe("a run", () => {
	it("is read from its name", () => {
		expect(parseRun("box/12/345")).toEqual({ host: "box", pid: 12, start: "345" });
	});

	it.each(["", "box", "box/12", "box/0/1", "box/x/1", "box/1/2/3", "/1/2"])("is not read from %j", (text) => {
		expect(parseRun(text)).toBeUndefined();
	});

	it("is alive while its process is", () => {
		expect(isAlive(currentRun())).toBe(true);
	});

	it("is over when another process has its number", () => {
		expect(isAlive("box/12/345", "box", () => "346")).toBe(false);
		expect(isAlive("box/12/345", "box", () => undefined)).toBe(false);
		expect(isAlive("box/12/345", "box", () => "345")).toBe(true);
	});

	it("of another machine is left alone, and something that is no run is over", () => {
		expect(isAlive(`not-${hostname()}/12/345`)).toBe(true);
		expect(isAlive("")).toBe(false);
	});
});

import { describe, expect, it } from "vitest";
import { decide } from "./start-broker.ts";

const can = { engine: false, native: undefined, container: undefined };

describe("where a broker comes from", () => {
	it("is the environment, unless the test needs one of its own", () => {
		expect(decide({ url: true, plain: true, ...can })).toBe("url");
		expect(decide({ url: true, plain: false, ...can })).toBe("native");
	});

	it("is a container where an engine answers", () => {
		expect(decide({ url: false, plain: true, ...can, engine: true })).toBe("container");
		expect(decide({ url: false, plain: true, ...can, engine: true, container: "POLYLOG_TEST_CONTAINERS is 0" })).toBe("native");
	});

	it("is the machine's own program, else a container on an engine of the tests' own", () => {
		expect(decide({ url: false, plain: true, ...can })).toBe("native");
		expect(decide({ url: false, plain: true, ...can, native: "none" })).toBe("container");
	});

	it("is nowhere with all the reasons", () => {
		expect(decide({ url: false, plain: true, engine: false, native: "no program", container: "no engine" })).toMatchObject({
			message: "no broker for the tests: no program; no engine",
		});
	});
});

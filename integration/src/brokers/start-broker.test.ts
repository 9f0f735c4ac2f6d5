import { describe, expect, it } from "vitest";
import { decide } from "./start-broker.ts";

const can = { native: undefined, container: undefined };

describe("where a broker comes from", () => {
	it("is the environment, unless the test needs one of its own", () => {
		expect(decide({ url: true, plain: true, ...can })).toBe("url");
		expect(decide({ url: true, plain: false, ...can })).toBe("native");
	});

	it("is the machine's own program, else a container", () => {
		expect(decide({ url: false, plain: true, ...can })).toBe("native");
		expect(decide({ url: false, plain: true, ...can, native: "none" })).toBe("container");
	});

	it("is nowhere with all the reasons", () => {
		expect(decide({ url: false, plain: true, native: "no program", container: "no engine" })).toMatchObject({
			message: "no broker for the tests: no program; no engine",
		});
	});
});

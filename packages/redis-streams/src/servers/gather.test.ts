import { systemClock } from "@polylog/core/testing";
import { expect, it } from "vitest";
import { gather } from "./gather.ts";

const never = new Promise<number>(() => {});

it("waits for all, and a little for those who are silent once somebody answered", async () => {
	const failed = Promise.reject<number>(new Error("no"));
	expect(await gather(systemClock, [Promise.resolve(1), failed, Promise.resolve(2)])).toEqual({
		answers: [1, 2],
		errors: [new Error("no")],
	});
	const started = performance.now();
	expect(await gather(systemClock, [never, Promise.resolve(1), failed])).toEqual({ answers: [1], errors: [new Error("no")] });
	expect(performance.now() - started).toBeGreaterThan(900);
});

it("of refusals alone gives all of them", async () => {
	const refusals = ["a", "b"].map((text) => Promise.reject<number>(new Error(text)));
	expect(await gather(systemClock, refusals)).toEqual({ answers: [], errors: [new Error("a"), new Error("b")] });
});

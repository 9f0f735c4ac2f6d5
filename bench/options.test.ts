import { expect, it } from "vitest";
import { readOptions } from "./options.ts";

it("measures five pairs after a warm-up, unless asked to be quick", () => {
	expect(readOptions(["--broker", "redis"])).toMatchObject({ broker: "redis", messages: 100_000, pairs: 5, warmUps: 1, quick: false });
	expect(readOptions(["--broker", "redis", "--quick"])).toMatchObject({ messages: 4000, pairs: 1, warmUps: 0, quick: true });
});

it("rounds messages up to whole batches for every partition", () => {
	expect(readOptions(["--broker", "memory", "--messages", "2001"]).messages).toBe(4000);
});

it("refuses what it does not understand", () => {
	expect(() => readOptions([])).toThrow("--broker must be one of");
	expect(() => readOptions(["--broker", "nats"])).toThrow("not nats");
	expect(() => readOptions(["--broker", "redis", "--pairs", "0"])).toThrow("--pairs");
	expect(() => readOptions(["--broker", "redis", "--speed"])).toThrow("--speed");
});

it("never writes the figures of a quick run", () => {
	expect(() => readOptions(["--broker", "redis", "--quick", "--write"])).toThrow("mean nothing");
});

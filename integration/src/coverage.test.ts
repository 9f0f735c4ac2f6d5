import { expect, it } from "vitest";
import { covered } from "./coverage.ts";

it("covers everything unless it is told otherwise", () => {
	expect([...covered({})]).toEqual(["memory", "redis-streams", "rabbitmq", "kafka", "containers"]);
	expect([...covered({ POLYLOG_TEST_BACKENDS: "kafka, memory" })]).toEqual(["memory", "kafka"]);
	expect([...covered({ POLYLOG_TEST_BACKENDS: "all" })]).toEqual(["memory", "redis-streams", "rabbitmq", "kafka", "containers"]);
});

it("refuses a backend that it does not know", () => {
	expect(() => covered({ POLYLOG_TEST_BACKENDS: "redis" })).toThrow(/redis-streams/);
});

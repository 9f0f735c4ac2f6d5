import { describe, expect, it } from "vitest";
import { environmentOf } from "./kafka.ts";

describe("Kafka's settings as environment", () => {
	it("are named as the official image reads them back", () => {
		expect(environmentOf({ "log.dirs": "/data", "a.b-c_d": "x" })).toEqual({ KAFKA_LOG_DIRS: "/data", KAFKA_A_B___C__D: "x" });
	});
});

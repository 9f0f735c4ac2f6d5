import { describe, expect, it } from "vitest";
import { parseVersion, redisArguments, redisUrl } from "./redis-server.ts";

const place = { bind: "127.0.0.1", port: 1, folder: "/d" };

describe("a Redis of the tests", () => {
	it("writes before it replies, unless the test sets something itself", () => {
		expect(redisArguments({}, place).join(" ")).toContain("--appendonly yes --appendfsync no");
		expect(redisArguments({ settings: ["--maxmemory", "1mb"] }, place).join(" ")).not.toContain("appendfsync");
		expect(redisArguments({ appendOnly: false, password: "p" }, place).join(" ")).toContain("--appendonly no --requirepass p");
	});

	it("has its password in its URL", () => {
		expect(redisUrl("h", 1, "a/b")).toBe("redis://:a%2Fb@h:1");
		expect(redisUrl("h", 1)).toBe("redis://h:1");
	});

	it("is told from a Valkey by its version", () => {
		expect(parseVersion("redis_version:7.0.15\r\nredis_mode:standalone\r\n")).toBe("7.0.15");
		expect(parseVersion("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n")).toBe("8.1.1");
		expect(parseVersion("-NOAUTH\r\n")).toBe("unknown");
	});
});

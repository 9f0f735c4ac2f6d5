import { inspect } from "node:util";
import { parseBackendUrl } from "@polylog/core/testing";
import { describe, expect, it } from "vitest";
import { readSettings } from "./options.ts";

const read = (url: string, options: Readonly<Record<string, unknown>> = {}) => readSettings({ url: parseBackendUrl(url), options });

describe("settings", () => {
	it("come from the URL, with defaults", () => {
		const settings = read("redis://ada:s3cret@cache:7000/2");
		expect(settings).toMatchObject({
			host: "cache",
			port: 7000,
			database: 2,
			username: "ada",
			tls: undefined,
			prefix: "",
			connectTimeoutMs: 5000,
			commandTimeoutMs: 5000,
			minReplicas: 0,
		});
		expect(settings.password?.reveal()).toBe("s3cret");
		expect(inspect(settings)).not.toContain("s3cret");
		expect(read("redis://cache")).toMatchObject({ port: 6379, database: 0 });
	});

	it("may stand in the query or the configuration, which wins", () => {
		expect(read("redis://h?prefix=a:&commandTimeoutMs=100", { prefix: "b:" })).toMatchObject({ prefix: "b:", commandTimeoutMs: 100 });
	});

	it("use TLS with the scheme rediss or the option tls, verified unless asked otherwise by name", () => {
		expect(read("rediss://h").tls).toEqual({});
		expect(read("redis://h", { tls: { servername: "x" } }).tls).toEqual({ servername: "x" });
		expect(read("rediss://h?insecureTls").tls).toEqual({ rejectUnauthorized: false });
	});

	it.each([
		["an unknown option", "redis://h?prefx=a", {}, /no option "prefx"; it knows prefix/],
		["a database that is no number", "redis://h/main", {}, /number of a database/],
		["braces in the prefix", "redis://h", { prefix: "{a}" }, /braces/],
		["an adopted topic without a key", "redis://h", { adopt: { a: 1 } }, /"a" has none/],
		["verification switched off unseen", "rediss://h", { tls: { rejectUnauthorized: false } }, /insecureTls/],
		["insecureTls without TLS", "redis://h?insecureTls", {}, /rediss/],
		["a timeout of zero", "redis://h", { commandTimeoutMs: 0 }, /at least 1/],
	])("refuse %s", (_, url, options, message) => {
		expect(() => read(url, options)).toThrow(message);
	});

	it("refuse several hosts", () => {
		const url = {
			...parseBackendUrl("redis://a"),
			hosts: [
				{ host: "a", port: 1 },
				{ host: "b", port: 2 },
			],
		};
		expect(() => readSettings({ url, options: {} })).toThrow(/one host/);
	});
});

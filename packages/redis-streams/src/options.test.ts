import { inspect } from "node:util";
import { parseBackendUrl } from "@polylog/core/testing";
import { describe, expect, it } from "vitest";
import { readSettings } from "./options.ts";

const read = (url: string, options: Readonly<Record<string, unknown>> = {}) => readSettings({ url: parseBackendUrl(url), options });

describe("settings", () => {
	it("come from the URL, with defaults", () => {
		const settings = read("redis://ada:s3cret@cache:7000/2");
		expect(settings).toMatchObject({
			target: { kind: "server", address: { host: "cache", port: 7000 } },
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
		expect(read("redis://cache")).toMatchObject({ target: { address: { port: 6379 } }, database: 0 });
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

	it("name a cluster by any of its nodes, and sentinels with the primary's name and a database", () => {
		expect(read("redis+cluster://a:7000,b:7001,c").target).toEqual({
			kind: "cluster",
			seeds: [
				{ host: "a", port: 7000 },
				{ host: "b", port: 7001 },
				{ host: "c", port: 6379 },
			],
		});
		const sentinels = [
			{ host: "a", port: 26_379 },
			{ host: "b", port: 26_380 },
		];
		const settings = read("rediss+sentinel://a,b:26380/mymaster/3?sentinelPassword=canary");
		expect(settings).toMatchObject({ target: { kind: "sentinel", sentinels, primary: "mymaster" }, database: 3, tls: {} });
		expect(settings.sentinelPassword?.reveal()).toBe("canary");
		expect(inspect(settings)).not.toContain("canary");
		expect(read("redis+sentinel://a/mymaster")).toMatchObject({ database: 0, tls: undefined });
	});

	it.each([
		["several hosts of one server", "redis://a,b", /one host; .*redis\+cluster/],
		["another database of a cluster", "redis+cluster://a/1", /database 0 alone/],
		["sentinels without a primary's name", "redis+sentinel://a:26379", /begins with the primary's name/],
		["a database of sentinels that is no number", "redis+sentinel://a/mymaster/x", /number of a database/],
	])("refuse %s", (_, url, message) => {
		expect(() => read(url)).toThrow(message);
	});
});

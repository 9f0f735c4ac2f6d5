import { inspect } from "node:util";
import { type BackendUrl, Secret } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { readSettings } from "./options.ts";

function url(more: Partial<BackendUrl> = {}): BackendUrl {
	return {
		scheme: "kafka",
		hosts: [
			{ host: "h1", port: undefined },
			{ host: "h2", port: 9094 },
		],
		username: undefined,
		password: undefined,
		path: "",
		params: new Map(),
		display: "kafka://h1,h2:9094",
		...more,
	};
}
const read = (more: Partial<BackendUrl> = {}, options: Record<string, unknown> = {}) => readSettings({ url: url(more), options });
const user = { username: "me", password: new Secret("canary-7") };

describe("options", () => {
	it("have defaults, and the port of Kafka", () => {
		expect(read()).toMatchObject({
			seeds: [
				{ host: "h1", port: 9092 },
				{ host: "h2", port: 9094 },
			],
			tls: undefined,
			sasl: undefined,
			rebalance: "cooperative",
			compression: "none",
			committedOnly: true,
			replicationFactor: -1,
		});
	});

	it("take TLS from the URL, from a flag, and as Node's options", () => {
		expect(read({ params: new Map([["tls", "true"]]) }).tls).toEqual({});
		expect(read({}, { tls: true }).tls).toEqual({});
		expect(read({}, { tls: false }).tls).toBeUndefined();
		expect(read({ params: new Map([["tls", "true"]]) }, { tls: { servername: "x" } }).tls).toEqual({ servername: "x" });
		expect(read({}, { tls: { servername: "x" }, insecureTls: true }).tls).toEqual({ servername: "x", rejectUnauthorized: false });
	});

	it("show a password by SCRAM unless told otherwise, and in the clear only over TLS", () => {
		expect(read(user).sasl).toMatchObject({ mechanism: "scram-sha-512", username: "me" });
		expect(read(user, { sasl: "scram-sha-256" }).sasl?.mechanism).toBe("scram-sha-256");
		expect(() => read(user, { sasl: "plain" })).toThrow(/shows the password/);
		expect(read(user, { sasl: "plain", tls: true }).sasl?.mechanism).toBe("plain");
	});

	it.each([
		["a path", { path: "orders" }, {}],
		["an unknown option", {}, { fsync: true }],
		["a wrong value", { params: new Map([["rebalance", "lazy"]]) }, {}],
		["verification switched off in passing", {}, { tls: { rejectUnauthorized: false } }],
		["insecureTls without TLS", {}, { insecureTls: true }],
		["SASL without a user", {}, { sasl: "scram-sha-256" }],
		["a user without a password", { username: "me" }, {}],
	])("refuse %s", (_, more, options) => {
		expect(() => read(more, options)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }) as Error);
	});

	it("show no secret", () => {
		const settings = read(user);
		expect(JSON.stringify(settings) + inspect(settings, { depth: 9 })).not.toContain("canary");
	});
});

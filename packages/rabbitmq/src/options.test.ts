import { inspect } from "node:util";
import { type BackendUrl, Secret } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { readSettings, type RabbitmqOptions } from "./options.ts";
import { streamArguments } from "./streams.ts";

function url(parts: Partial<BackendUrl> = {}): BackendUrl {
	return {
		scheme: "amqp",
		hosts: [{ host: "h", port: undefined }],
		username: undefined,
		password: undefined,
		path: "",
		params: new Map(),
		display: "amqp://h",
		...parts,
	};
}

function settings(options: RabbitmqOptions = {}, parts: Partial<BackendUrl> = {}) {
	return readSettings({ url: url(parts), options: { ...options } });
}

const invalid = (text: RegExp) => expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(text) });

describe("settings", () => {
	it("default to patient timers, the guest user and the vhost /", () => {
		expect(settings()).toMatchObject({
			hosts: [{ host: "h", port: 5672 }],
			vhost: "/",
			username: "guest",
			setupTimeoutMs: 15_000,
			confirmTimeoutMs: 15_000,
			replicas: undefined,
		});
	});

	it("take several hosts, a vhost and options from the URL", () => {
		const read = settings(
			{},
			{
				scheme: "amqps",
				hosts: [
					{ host: "a", port: 1 },
					{ host: "b", port: undefined },
				],
				path: "my/vhost",
				params: new Map([["replicas", "3"]]),
			},
		);
		expect(read).toMatchObject({
			hosts: [
				{ host: "a", port: 1 },
				{ host: "b", port: 5671 },
			],
			vhost: "my/vhost",
			replicas: 3,
			tls: {},
		});
	});

	it("never print the password", () => {
		const read = settings({}, { username: "u", password: new Secret("canary") });
		expect(inspect(read, { depth: 9 }) + JSON.stringify(read)).not.toContain("canary");
	});

	it.each([
		[{ auth: "external" }, {}, /needs the scheme amqps/],
		[{ tls: { rejectUnauthorized: false } }, { scheme: "amqps" }, /insecureTls/],
		[{ tls: {} }, {}, /need the scheme amqps/],
		[{ replicas: 0 }, {}, /replicas/],
	] as const)("refuse %j", (options, parts, text) => expect(() => settings(options, parts)).toThrow(invalid(text)));

	it("refuse an option that nobody knows", () => {
		expect(() => settings({}, { params: new Map([["replcas", "3"]]) })).toThrow(invalid(/no option "replcas"/));
	});
});

describe("the arguments of a stream", () => {
	it("carry replicas and retention, with segments small enough for it", () => {
		expect(streamArguments(settings({ replicas: 3 }), { bytes: 40_000, ageMs: 1500 })).toEqual({
			"x-queue-type": "stream",
			"x-initial-cluster-size": 3,
			"x-max-length-bytes": 40_000,
			"x-max-age": "2s",
			"x-stream-max-segment-size-bytes": 10_000,
		});
	});

	it("keep everything unless told otherwise", () => {
		expect(streamArguments(settings(), undefined)).toEqual({ "x-queue-type": "stream", "x-stream-max-segment-size-bytes": 50_000_000 });
		expect(streamArguments(settings({ retentionBytes: 1_000_000 }), undefined)).toMatchObject({ "x-max-length-bytes": 1_000_000 });
	});

	it("cannot count records", () => {
		expect(() => streamArguments(settings(), { records: 5 })).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
	});
});

import { PolylogError } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { classify, isRefusal, withoutCommand } from "./errors.ts";

/** Texts as Redis 7.0.15 and ioredis 6.0.0 give them. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
	BACKPRESSURE: [
		"OOM command not allowed when used memory > 'maxmemory'.",
		"OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
	],
	UNAUTHORIZED: [
		"WRONGPASS invalid username-password pair or user is disabled.",
		"NOAUTH Authentication required.",
		"NOPERM this user has no permissions to run the 'xadd' command",
		"NOPERM this user has no permissions to access one of the keys used as arguments",
		"ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
		"DENIED Redis is running in protected mode because protected mode is enabled",
	],
	UNAVAILABLE: [
		"LOADING Redis is loading the dataset in memory",
		"READONLY You can't write against a read only replica.",
		"READONLY Can not run script with write flag on readonly replica.",
		"NOREPLICAS Not enough good replicas to write.",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"CLUSTERDOWN Hash slot not served",
		"TRYAGAIN Multiple keys request during rehashing of slot",
		"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
		"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
		"ERR max number of clients reached",
	],
	TIMEOUT: ["Command timed out"],
	CONNECTION_LOST: [
		"Connection is closed.",
		"Stream isn't writeable and enableOfflineQueue options is false",
		"Command aborted due to connection close",
		'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
		"connect ETIMEDOUT",
	],
	CONFIG_INVALID: [
		"WRONGTYPE Operation against a key holding the wrong kind of value",
		"ERR DB index is out of range",
		"ERR invalid DB index",
		"ERR This instance has cluster support disabled",
	],
	UNSUPPORTED: [
		"ERR unknown command 'XADD', with args beginning with: ",
		"CROSSSLOT Keys in request don't hash to the same slot",
		"MOVED 3999 127.0.0.1:6381",
	],
	MESSAGE_TOO_LARGE: ["ERR Protocol error: invalid bulk length"],
	TOPIC_NOT_FOUND: ["POLYLOGTOPIC the topic or its partition does not exist"],
	FENCED: ["POLYLOGFENCED producer epoch 1 is older than 2"],
	UNKNOWN: ["ERR something new", "OOMPH", ""],
};

describe("classify", () => {
	for (const [code, texts] of Object.entries(TEXTS)) {
		it.each(texts)(`calls "%s" ${code}`, (text) => expect(classify(new Error(text)).code).toBe(code));
	}

	it.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTFOUND", "ETIMEDOUT", "EHOSTUNREACH"])(
		"calls the socket error %s CONNECTION_LOST",
		(code) => {
			expect(classify(Object.assign(new Error(`connect ${code}`), { code })).code).toBe("CONNECTION_LOST");
		},
	);

	it.each(["CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"])(
		"does not retry the certificate error %s",
		(code) => {
			expect(classify(Object.assign(new Error("certificate"), { code })).code).toBe("UNAUTHORIZED");
		},
	);

	it("tells a caller's abort from ioredis' own abort", () => {
		expect(classify(AbortSignal.abort().reason).code).toBe("ABORTED");
		expect(classify(Object.assign(new Error("Command aborted due to connection close"), { name: "AbortError" })).code).toBe(
			"CONNECTION_LOST",
		);
	});

	it("leaves our own errors what they are", () => {
		expect(classify(new PolylogError("UNAVAILABLE", "x", { retryable: false }))).toEqual({ code: "UNAVAILABLE", retryable: false });
	});

	it.each([undefined, null, 7, "OOM text", {}])("is total: %s is UNKNOWN", (thrown) => expect(classify(thrown).code).toBe("UNKNOWN"));
});

describe("isRefusal", () => {
	it("is true where repeating cannot have stored anything, false in outages", () => {
		expect(["OOM x", "NOPERM x", "POLYLOGFENCED x"].map((text) => isRefusal(new Error(text)))).toEqual([true, true, true]);
		expect(["LOADING x", "READONLY x", "Command timed out", "Connection is closed."].map((text) => isRefusal(new Error(text)))).toEqual([
			false,
			false,
			false,
			false,
		]);
	});
});

describe("withoutCommand", () => {
	it("takes the arguments off, which may be a password", () => {
		const error = Object.assign(new Error("WRONGPASS no"), { command: { name: "auth", args: ["canary"] } });
		expect(JSON.stringify(withoutCommand(error), Object.getOwnPropertyNames(error))).not.toContain("canary");
		expect(error.message).toBe("WRONGPASS no");
	});
});

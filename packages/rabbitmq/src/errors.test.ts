import { PolylogError } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { classify, isMissing } from "./errors.ts";

/** Texts and codes as RabbitMQ 3.10.8 and 4.0.5 and amqplib 2.3.1 give them. */
const ERRORS: Readonly<Record<string, readonly (readonly [text: string, code?: number])[]>> = {
	CONNECTION_LOST: [
		[
			`Connection closed: 320 (CONNECTION-FORCED) with message "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"`,
			320,
		],
		[`Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - unknown delivery tag 1229"`, 406],
		["Channel ended, no reply will be forthcoming"],
		["channel closed"],
		["Channel closed"],
		["Heartbeat timeout"],
		["Unexpected close"],
		["Socket closed abruptly during opening handshake"],
		["connect ETIMEDOUT"],
	],
	UNAVAILABLE: [
		[
			`Operation failed: BasicConsume; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - queue 'queue 'orders-0' in vhost '/'' does not have a replica on the local node"`,
			406,
		],
		[
			`Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - stream queue 'orders-0' in vhost '/' does not have a running replica on the local node"`,
			406,
		],
		[
			`Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - home node 'rabbit@localhost' of durable queue 'orders-0' in vhost '/' is down or inaccessible"`,
			404,
		],
		[`Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"`, 541],
		[`Connection closed: 506 (RESOURCE-ERROR) with message "RESOURCE_ERROR - Stream coordinator unavailable"`, 506],
		[
			`Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms."`,
			406,
		],
	],
	TOPIC_NOT_FOUND: [
		[`Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'orders-0' in vhost '/'"`, 404],
		[`Operation failed: BasicConsume; 404 (NOT-FOUND) with message "NOT_FOUND - no queue 'orders-0' in vhost '/'"`, 404],
	],
	UNAUTHORIZED: [
		[
			`Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."`,
			403,
		],
		[
			`Operation failed: QueueDeclare; 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - access to queue 'orders-0' in vhost '/' refused for user 'guest'"`,
			403,
		],
		[`Connection closed: 530 (NOT-ALLOWED) with message "NOT_ALLOWED - access to vhost 'x' refused for user 'guest'"`, 530],
	],
	CONFIG_INVALID: [
		[`Connection closed: 530 (NOT-ALLOWED) with message "NOT_ALLOWED - vhost x not found"`, 530],
		[
			`Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg 'x-max-length-bytes' for queue 'orders-0' in vhost '/': received '1' but current is '2'"`,
			406,
		],
	],
	MESSAGE_TOO_LARGE: [
		[
			`Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - message size 140000000 is larger than configured max size 134217728"`,
			406,
		],
		["Encoded field table (headers or arguments) exceeds the 65536 byte encoding buffer"],
	],
	UNSUPPORTED: [[`Connection closed: 540 (NOT-IMPLEMENTED) with message "NOT_IMPLEMENTED - consuming from stream with auto-ack"`, 540]],
	UNKNOWN: [["something new"], [""]],
};

describe("classify", () => {
	for (const [expected, errors] of Object.entries(ERRORS)) {
		it.each(errors.map(([text, code]) => ({ text, code })))(`calls "$text" ${expected}`, ({ text, code }) =>
			expect(classify(Object.assign(new Error(text), code === undefined ? {} : { code })).code).toBe(expected),
		);
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

	it("knows a caller's abort, and leaves our own errors what they are", () => {
		expect(classify(AbortSignal.abort().reason).code).toBe("ABORTED");
		expect(classify(new PolylogError("UNAVAILABLE", "x", { retryable: false }))).toEqual({ code: "UNAVAILABLE", retryable: false });
	});

	it.each([undefined, null, 7, "Channel closed", {}])("is total: %s is UNKNOWN", (thrown) => expect(classify(thrown).code).toBe("UNKNOWN"));
});

describe("isMissing", () => {
	it("is true for a queue that does not exist, and nothing else", () => {
		expect(isMissing(Object.assign(new Error("NOT_FOUND - no queue 'orders-0' in vhost '/'"), { code: 404 }))).toBe(true);
		expect(
			isMissing(
				Object.assign(
					new Error("NOT_FOUND - home node 'rabbit@localhost' of durable queue 'orders-0' in vhost '/' is down or inaccessible"),
					{ code: 404 },
				),
			),
		).toBe(false);
		expect([new Error("404"), Object.assign(new Error("x"), { code: 406 }), null].map(isMissing)).toEqual([false, false, false]);
	});
});

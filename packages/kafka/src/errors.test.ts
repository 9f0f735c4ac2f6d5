import { PolylogError } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { classify } from "./errors.ts";
import { KafkaError } from "./wire/error-codes.ts";

function named(name: string, message = "", more: object = {}): Error {
	const error = new Error(message);
	error.name = name;
	return Object.assign(error, more);
}

describe("classify", () => {
	it.each([
		[3, "TOPIC_NOT_FOUND"],
		[6, "UNAVAILABLE"],
		[7, "TIMEOUT"],
		[10, "MESSAGE_TOO_LARGE"],
		[22, "FENCED"],
		[25, "FENCED"],
		[29, "UNAUTHORIZED"],
		[58, "UNAUTHORIZED"],
		[68, "GROUP_ACTIVE"],
		[82, "MEMBER_REPLACED"],
		[89, "BACKPRESSURE"],
		[32_000, "UNKNOWN"],
	])("takes Kafka's code %i for %s", (errorCode, code) => {
		expect(classify(new KafkaError(errorCode, "doing it")).code).toBe(code);
	});

	it("goes by the cause where kafkajs calls a refused connection final", () => {
		const refused = named("KafkaJSConnectionError", "Connection error: connect ECONNREFUSED 127.0.0.1:1", { code: "ECONNREFUSED" });
		expect(classify(refused).code).toBe("CONNECTION_LOST");
		expect(classify(named("KafkaJSNonRetriableError", "", { retriable: false, cause: refused })).code).toBe("CONNECTION_LOST");
	});

	it.each([
		[named("KafkaJSSASLAuthenticationError", "SASL SCRAM failed"), "UNAUTHORIZED"],
		[named("KafkaJSConnectionError", "Connection timeout"), "CONNECTION_LOST"],
		[named("KafkaJSConnectionError", "Connection error: self-signed certificate"), "UNAUTHORIZED"],
		[named("Error", "", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), "UNAUTHORIZED"],
		[named("KafkaJSProtocolError", "", { code: 35 }), "UNSUPPORTED"],
		[new DOMException("", "AbortError"), "ABORTED"],
		[new Error("something else"), "UNKNOWN"],
		["a text", "UNKNOWN"],
		[undefined, "UNKNOWN"],
	])("knows %s", (error, code) => {
		expect(classify(error).code).toBe(code);
	});

	it("leaves a PolylogError what it is", () => {
		expect(classify(new PolylogError("TIMEOUT", "", { retryable: false }))).toEqual({ code: "TIMEOUT", retryable: false });
	});
});

// What kafkajs' and Kafka's errors mean.
import { type Classification, isPolylogError } from "@polylog/core/driver";
import { classifyCode, KafkaError } from "./wire/error-codes.ts";

const NETWORK = new Set([
	"ECONNREFUSED",
	"ECONNRESET",
	"ECONNABORTED",
	"EPIPE",
	"ENOTFOUND",
	"EAI_AGAIN",
	"EHOSTUNREACH",
	"EHOSTDOWN",
	"ENETUNREACH",
	"ENETDOWN",
	"ETIMEDOUT",
	"EADDRNOTAVAIL",
]);

const NAMES: Readonly<Record<string, Classification>> = {
	KafkaJSSASLAuthenticationError: { code: "UNAUTHORIZED" },
	KafkaJSRequestTimeoutError: { code: "TIMEOUT" },
	KafkaJSConnectionClosedError: { code: "CONNECTION_LOST" },
	KafkaJSLockTimeout: { code: "TIMEOUT" },
};

/** By the cause and not by kafkajs' own retriable flag, which calls a refused connection final. */
export function classify(error: unknown): Classification {
	if (isPolylogError(error)) return { code: error.code, retryable: error.retryable };
	if (!(error instanceof Error)) return { code: "UNKNOWN" };
	if (error instanceof KafkaError) return classifyCode(error.errorCode);
	if (error instanceof DOMException && error.name === "AbortError") return { code: "ABORTED" };
	const code = "code" in error && typeof error.code === "string" ? error.code : "";
	if (NETWORK.has(code)) return { code: "CONNECTION_LOST" };
	// A certificate will not mend itself: not worth a loop of attempts.
	if (/CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY|DEPTH_ZERO/.test(code)) return { code: "UNAUTHORIZED" };
	if (/^ERR_SSL|^EPROTO/.test(code)) return { code: "CONNECTION_LOST" };
	const named = Object.hasOwn(NAMES, error.name) ? NAMES[error.name] : undefined;
	if (named) return named;
	if (error.name === "KafkaJSConnectionError") return classifyConnectionError(error);
	// kafkajs' own form of an error code, met while connecting.
	if (error.name === "KafkaJSProtocolError" && "code" in error && typeof error.code === "number") return classifyCode(error.code);
	return error.cause === undefined ? { code: "UNKNOWN" } : classify(error.cause);
}

/** kafkajs keeps the socket's code only sometimes. */
function classifyConnectionError({ message }: Error): Classification {
	return /certificate|self.signed|altnames|unable to verify/i.test(message) ? { code: "UNAUTHORIZED" } : { code: "CONNECTION_LOST" };
}

// What kafkajs' and Kafka's errors mean.
import { type Classification, classifyError } from "@polylog/core/driver";
import { classifyCode, KafkaError } from "./wire/error-codes.ts";

const NAMES: Readonly<Record<string, Classification>> = {
	KafkaJSSASLAuthenticationError: { code: "UNAUTHORIZED" },
	KafkaJSRequestTimeoutError: { code: "TIMEOUT" },
	KafkaJSConnectionClosedError: { code: "CONNECTION_LOST" },
	KafkaJSLockTimeout: { code: "TIMEOUT" },
};

/** By the cause and not by kafkajs' own retriable flag, which calls a refused connection final. */
export function classify(error: unknown): Classification {
	return classifyError(error, classifyOwn);
}

function classifyOwn(error: Error): Classification {
	if (error instanceof KafkaError) return classifyCode(error.errorCode);
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

import { describe, expect, it } from "vitest";
import { PolylogError } from "../errors.ts";
import { classifyError } from "./classify-error.ts";

const own = () => ({ code: "BACKPRESSURE" }) as const;
const coded = (code: unknown) => Object.assign(new Error("told by Node"), { code });

describe("classifyError", () => {
	it.each([
		[
			"core's own error, with its retryable",
			new PolylogError("TIMEOUT", "late", { retryable: false }),
			{ code: "TIMEOUT", retryable: false },
		],
		["what is no error", "text", { code: "UNKNOWN" }],
		["an abort", new DOMException("stop", "AbortError"), { code: "ABORTED" }],
		["a refused connection", coded("ECONNREFUSED"), { code: "CONNECTION_LOST" }],
		["a certificate", coded("UNABLE_TO_GET_ISSUER_CERT_LOCALLY"), { code: "UNAUTHORIZED" }],
		["a broken handshake", coded("EPROTO"), { code: "CONNECTION_LOST" }],
	] as const)("knows %s", (_, error, classification) => {
		expect(classifyError(error, own)).toEqual(classification);
	});

	it("leaves the client's own errors to the adapter, also those called AbortError or with a number as code", () => {
		for (const error of [new Error("whatever"), coded(404), Object.assign(new Error("gone"), { name: "AbortError" })]) {
			expect(classifyError(error, own)).toEqual({ code: "BACKPRESSURE" });
		}
	});
});

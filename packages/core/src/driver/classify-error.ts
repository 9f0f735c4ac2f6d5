import { isPolylogError } from "../errors.ts";
import type { Classification } from "./driver.ts";

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

/**
 * What an error means: core's own, an abort, the network's and TLS' as Node words them, and `own` for the errors of the
 * adapter's client. For an adapter's `Driver.classify`.
 */
export function classifyError(error: unknown, own: (error: Error) => Classification): Classification {
	if (isPolylogError(error)) return { code: error.code, retryable: error.retryable };
	if (!(error instanceof Error)) return { code: "UNKNOWN" };
	// A caller's signal; a client may have an AbortError too, which is not a DOMException.
	if (error instanceof DOMException && error.name === "AbortError") return { code: "ABORTED" };
	const code = "code" in error && typeof error.code === "string" ? error.code : "";
	if (NETWORK.has(code)) return { code: "CONNECTION_LOST" };
	// A certificate will not mend itself: not worth a loop of attempts.
	if (/CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|DEPTH_ZERO/.test(code)) return { code: "UNAUTHORIZED" };
	if (/^ERR_SSL|^EPROTO/.test(code)) return { code: "CONNECTION_LOST" };
	return own(error);
}

// What a producer says of messages that no answer of the broker settled.
import type { ErrorCode } from "../errors.ts";
import { PolylogError } from "../errors.ts";

/** Why the producer stopped trying. */
export type GaveUp =
	| { readonly kind: "timeout"; readonly afterMs: number; readonly last: PolylogError | undefined }
	| { readonly kind: "aborted"; readonly reason: unknown }
	| { readonly kind: "closed" };

const CODES = { timeout: "TIMEOUT", aborted: "ABORTED", closed: "CLOSED" } as const satisfies Record<GaveUp["kind"], ErrorCode>;

/** `sent`: it was handed to the driver and nothing proves that it was not stored. */
export function gaveUp(why: GaveUp, sent: boolean, topic: string, partition: number | undefined): PolylogError {
	const where = partition === undefined ? topic : `${topic}/${partition}`;
	const fate = sent ? "was sent and may be stored, but no answer came" : "was not sent";
	const cause = why.kind === "timeout" ? why.last : why.kind === "aborted" ? why.reason : undefined;
	return new PolylogError(CODES[why.kind], `a message to ${where} ${fate} ${until(why)}`, {
		topic,
		mayBeStored: sent,
		...(partition === undefined ? {} : { partition }),
		cause,
	});
}

function until(why: GaveUp): string {
	if (why.kind === "aborted") return "before the caller's signal aborted";
	if (why.kind === "closed") return "before the producer was closed; flush it, or give `close` a longer deadline";
	const last = why.last
		? `; the last error was: ${why.last.message}`
		: "; check the broker's load and the network, or raise deliveryTimeoutMs";
	return `within ${why.afterMs} ms (deliveryTimeoutMs)${last}`;
}

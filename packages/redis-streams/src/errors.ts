// What ioredis' and Redis' errors mean, and making them safe to show.
import { type Classification, classifyError } from "@polylog/core/driver";

/** First words of Redis' own replies. */
const REPLIES: Readonly<Record<string, Classification>> = {
	OOM: { code: "BACKPRESSURE" },
	NOAUTH: { code: "UNAUTHORIZED" },
	WRONGPASS: { code: "UNAUTHORIZED" },
	NOPERM: { code: "UNAUTHORIZED" },
	LOADING: { code: "UNAVAILABLE" },
	READONLY: { code: "UNAVAILABLE" },
	NOREPLICAS: { code: "UNAVAILABLE" },
	MASTERDOWN: { code: "UNAVAILABLE" },
	CLUSTERDOWN: { code: "UNAVAILABLE" },
	TRYAGAIN: { code: "UNAVAILABLE" },
	MISCONF: { code: "UNAVAILABLE" },
	BUSY: { code: "UNAVAILABLE" },
	MOVED: { code: "UNSUPPORTED" },
	ASK: { code: "UNSUPPORTED" },
	CROSSSLOT: { code: "UNSUPPORTED" },
	NOPROTO: { code: "UNSUPPORTED" },
	WRONGTYPE: { code: "CONFIG_INVALID" },
	/** Of our own scripts. */
	POLYLOGTOPIC: { code: "TOPIC_NOT_FOUND" },
	POLYLOGFENCED: { code: "FENCED" },
};

const TEXTS: readonly (readonly [RegExp, Classification])[] = [
	[/^Command timed out/, { code: "TIMEOUT" }],
	[/max number of clients/, { code: "UNAVAILABLE" }],
	[/invalid (?:multi)?bulk length|too big|string exceeds maximum/i, { code: "MESSAGE_TOO_LARGE" }],
	[/^ERR (?:AUTH|invalid password|Client sent AUTH)|^DENIED/, { code: "UNAUTHORIZED" }],
	[/^ERR (?:unknown|Unknown) (?:command|subcommand)|^ERR unsupported/, { code: "UNSUPPORTED" }],
	[/cluster support disabled/, { code: "CONFIG_INVALID" }],
	[/^ERR (?:invalid DB index|DB index is out of range)/, { code: "CONFIG_INVALID" }],
	// ioredis' own; "isn't writeable" and "aborted" mean a connection that is going.
	[
		/Connection is closed|Stream isn't writeable|aborted due to connection close|max retries per request|connect ETIMEDOUT|Socket timeout|Protocol error/,
		{ code: "CONNECTION_LOST" },
	],
];

export function classify(error: unknown): Classification {
	return classifyError(error, classifyOwn);
}

function classifyOwn(error: Error): Classification {
	const word = error.message.slice(0, Math.max(0, error.message.indexOf(" ")));
	const reply = Object.hasOwn(REPLIES, word) ? REPLIES[word] : undefined;
	return reply ?? TEXTS.find(([text]) => text.test(error.message))?.[1] ?? { code: "UNKNOWN" };
}

/** Whether a refused append certainly was not stored, and will not be if only repeated: not an outage. */
export function isRefusal(error: unknown): boolean {
	return ["BACKPRESSURE", "UNAUTHORIZED", "TOPIC_NOT_FOUND", "FENCED", "CONFIG_INVALID", "UNSUPPORTED", "MESSAGE_TOO_LARGE"].includes(
		classify(error).code,
	);
}

/**
 * Removes what ioredis hangs on its errors: the command with its arguments, which are record values, or the password
 * where the command was AUTH.
 */
export function withoutCommand(error: unknown): unknown {
	if (error instanceof Error && "command" in error) delete error.command;
	return error;
}

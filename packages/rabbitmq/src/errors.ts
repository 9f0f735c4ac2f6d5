// What amqplib's and RabbitMQ's errors mean. RabbitMQ closes the channel or the connection with a code and a text.
import { type Classification, classifyError } from "@polylog/core/driver";

/** Texts say more than codes: the same code stands for very different things. */
const TEXTS: readonly (readonly [RegExp, Classification])[] = [
	[
		/does not have a (?:running )?replica|Stream coordinator unavailable|delivery acknowledgement on channel \d+ timed out|is down or inaccessible|home node .* is down/i,
		{ code: "UNAVAILABLE" },
	],
	[/message size \d+ .*(?:larger|exceed)|exceeds the \d+ byte encoding buffer/i, { code: "MESSAGE_TOO_LARGE" }],
	[/ACCESS.REFUSED|access to vhost .* refused|Login was refused|Expected ConnectionTune/i, { code: "UNAUTHORIZED" }],
	[/(?:vhost|virtual host) .*(?:not found|does not exist)|inequivalent arg|invalid arg/i, { code: "CONFIG_INVALID" }],
	[/connection limit|(?:vhost|virtual host) .*is down|connection refused.*limit/i, { code: "UNAVAILABLE" }],
	[/no queue '/i, { code: "TOPIC_NOT_FOUND" }],
	// The channel is gone; nothing about the configuration is wrong.
	[/unknown delivery tag/i, { code: "CONNECTION_LOST" }],
];

/** amqplib's own, where the broker gave no code. */
const ENDS: readonly (readonly [RegExp, Classification])[] = [
	[
		/[Cc]hannel (?:closed|closing|ended)|Connection clos(?:ed|ing)|Heartbeat timeout|Unexpected close|Socket closed abruptly|connect ETIMEDOUT|ended without|socket (?:hang up|disconnected)|No channels left/,
		{ code: "CONNECTION_LOST" },
	],
	[/SASL|[Hh]andshake terminated/, { code: "UNAUTHORIZED" }],
];

/** AMQP's reply codes. */
const REPLIES: Readonly<Record<number, Classification>> = {
	311: { code: "MESSAGE_TOO_LARGE" },
	320: { code: "CONNECTION_LOST" },
	403: { code: "UNAUTHORIZED" },
	404: { code: "TOPIC_NOT_FOUND" },
	405: { code: "UNAVAILABLE" },
	406: { code: "CONFIG_INVALID" },
	501: { code: "CONNECTION_LOST" },
	504: { code: "CONNECTION_LOST" },
	505: { code: "CONNECTION_LOST" },
	506: { code: "UNAVAILABLE" },
	530: { code: "UNAUTHORIZED" },
	540: { code: "UNSUPPORTED" },
	541: { code: "UNAVAILABLE" },
};

export function classify(error: unknown): Classification {
	return classifyError(error, classifyOwn);
}

function classifyOwn(error: Error): Classification {
	const code = "code" in error ? error.code : undefined;
	const told = (texts: typeof TEXTS) => texts.find(([pattern]) => pattern.test(error.message))?.[1];
	return told(TEXTS) ?? (typeof code === "number" ? REPLIES[code] : undefined) ?? told(ENDS) ?? { code: "UNKNOWN" };
}

/** Whether the queue that was named does not exist, as far as the node that was asked knows. One that is only not up yet is 404 too. */
export function isMissing(error: unknown): boolean {
	return error instanceof Error && "code" in error && error.code === 404 && classify(error).code === "TOPIC_NOT_FOUND";
}

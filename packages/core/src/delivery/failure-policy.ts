// The names applications use for what happens to a message whose retries are used up.
import type { FailurePolicy } from "../api/run-options.ts";
import { checkName } from "../names.ts";

/** The partition stops before the message; the default. */
export function stop(): FailurePolicy {
	return { kind: "stop" };
}

/** On to the next message; `error` is emitted. */
export function skip(): FailurePolicy {
	return { kind: "skip" };
}

/**
 * The record is appended to `topic` as it is stored, with the reason in its headers (`x-polylog-error`, and `-partition`,
 * `-offset`, `-group`, `-attempts` behind that name), and only when that is durable does the group move on. The topic
 * is made, with as many partitions as the source, if it does not exist.
 */
export function deadLetter(topic: string): FailurePolicy {
	checkName("dead-letter topic", topic);
	return { kind: "deadLetter", topic };
}

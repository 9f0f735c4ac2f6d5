// Which failures end a session.
import { classify } from "../errors.ts";

/** Waiting does not cure it. An unknown error may well pass. */
export function isFinal(error: unknown): boolean {
	const { code } = classify(error);
	return ["UNAUTHORIZED", "CONFIG_INVALID", "UNSUPPORTED", "MEMBER_REPLACED", "CLOSED", "ADAPTER_MISSING"].includes(code);
}

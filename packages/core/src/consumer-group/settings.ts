// The options of a member and of a run with their defaults, checked: nothing behind this meets a number that is none.
import type { MemberOptions } from "../api/member.ts";
import type { BatchOptions, DeliveryOptions, FailurePolicy, RetryOptions, RunOptions } from "../api/run-options.ts";
import { checkName } from "../names.ts";

const RETRY = { retries: 3, initialDelayMs: 100, maxDelayMs: 10_000 };

/** What holds for one way of taking messages. */
export interface DeliverySettings {
	readonly retry: Required<RetryOptions>;
	readonly onFailure: FailurePolicy;
	readonly commit: "auto" | "manual";
	readonly commitIntervalMs: number;
}

/** Later options win; one that is `undefined` counts as not given. RangeError or TypeError for one that makes no sense. */
export function deliverySettings(...layers: readonly DeliveryOptions[]): DeliverySettings {
	const given = (options: object | undefined) =>
		Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
	const defaults: DeliverySettings = { retry: RETRY, onFailure: { kind: "stop" }, commit: "auto", commitIntervalMs: 1_000 };
	const merged: DeliverySettings = Object.assign({}, defaults, ...layers.map(given));
	const settings: DeliverySettings = { ...merged, retry: { ...RETRY, ...given(merged.retry) } };
	const { retry, onFailure, commit, commitIntervalMs } = settings;
	if (retry.retries !== Infinity) wholeNumber("retry.retries", retry.retries, 0);
	atLeast("retry.initialDelayMs", retry.initialDelayMs, 0);
	atLeast("retry.maxDelayMs", retry.maxDelayMs, 0);
	atLeast("commitIntervalMs", commitIntervalMs, 1);
	oneOf("commit", commit, ["auto", "manual"]);
	checkPolicy(onFailure);
	return settings;
}

export function checkMemberOptions(options: MemberOptions<never>): void {
	const { instanceId, maxHandlerMs, maxBufferedRecords, maxBufferedBytes } = options;
	deliverySettings(options);
	if (instanceId !== undefined && (typeof instanceId !== "string" || instanceId === ""))
		throw new TypeError("instanceId must be a string that is not empty");
	if (maxHandlerMs !== undefined) atLeast("maxHandlerMs", maxHandlerMs, 1);
	if (maxBufferedRecords !== undefined && maxBufferedRecords !== Infinity) wholeNumber("maxBufferedRecords", maxBufferedRecords, 1);
	if (maxBufferedBytes !== undefined) atLeast("maxBufferedBytes", maxBufferedBytes, 1);
}

export function checkRunOptions(options: RunOptions & BatchOptions): void {
	deliverySettings(options);
	if (options.concurrency !== undefined && options.concurrency !== Infinity) wholeNumber("concurrency", options.concurrency, 1);
	if (options.order !== undefined) oneOf("order", options.order, ["partition", "key"]);
	if (options.maxMessages !== undefined) wholeNumber("maxMessages", options.maxMessages, 1);
}

/** An unknown policy must not pass for one that disposes of messages. */
function checkPolicy(policy: FailurePolicy): void {
	const kind: unknown = typeof policy === "object" && policy !== null ? policy.kind : undefined;
	if (kind !== "stop" && kind !== "skip" && kind !== "deadLetter")
		throw new TypeError("onFailure must be stop(), skip() or deadLetter(topic)");
	if (policy.kind === "deadLetter") checkName("dead-letter topic", policy.topic);
}

function wholeNumber(name: string, value: number, least: number): void {
	if (!Number.isSafeInteger(value) || value < least)
		throw new RangeError(`${name} must be a whole number of at least ${least}, not ${value}`);
}

/** `Infinity` is fine. */
function atLeast(name: string, value: number, least: number): void {
	if (typeof value !== "number" || !(value >= least)) throw new RangeError(`${name} must be a number of at least ${least}, not ${value}`);
}

export function oneOf(name: string, value: string, values: readonly string[]): void {
	if (!values.includes(value)) throw new RangeError(`${name} must be one of ${values.join(", ")}, not ${JSON.stringify(value)}`);
}

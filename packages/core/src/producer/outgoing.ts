// From a value and its options to the record that will be stored. Everything about it that can be wrong is found here.
import type { SendOptions } from "../api/producer.ts";
import type { Topic } from "../api/topic.ts";
import type { Clock } from "../clock.ts";
import { isPromise } from "../codec/schema.ts";
import { encodeValue } from "../codec/value.ts";
import type { OutgoingRecord } from "../driver/record.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import { outgoingHeaders } from "../headers.ts";
import { recordBytes } from "../record-bytes.ts";

export interface Outgoing {
	readonly record: OutgoingRecord;
	readonly bytes: number;
}

export interface OutgoingRules {
	readonly clock: Clock;
	readonly maxRecordBytes: number;
	readonly tombstones: boolean;
}

/** A promise only if the topic's schema is asynchronous. Throws, or rejects with, a PolylogError. */
export function outgoing<T>(
	topic: Topic<T>,
	value: T,
	options: Omit<SendOptions, "signal">,
	rules: OutgoingRules,
): Outgoing | Promise<Outgoing> {
	const bytes = encodeValue(topic, value);
	if (!isPromise(bytes)) return recordOf(topic, value, bytes, options, rules);
	// Key, headers and time are taken now: the caller may reuse its objects.
	const { record } = recordOf(topic, value, null, options, { ...rules, tombstones: true });
	return bytes.then((encoded) => checked(topic, { ...record, value: encoded }, rules));
}

function recordOf<T>(
	topic: Topic<T>,
	value: T,
	bytes: Uint8Array | null,
	options: Omit<SendOptions, "signal">,
	rules: OutgoingRules,
): Outgoing {
	return checked(
		topic,
		{
			key: keyOf(topic, value, options.key),
			value: bytes,
			headers: outgoingHeaders(options.headers),
			timestamp: timestampOf(options.timestamp, rules.clock),
		},
		rules,
	);
}

function checked<T>(topic: Topic<T>, record: OutgoingRecord, rules: OutgoingRules): Outgoing {
	const bytes = recordBytes(record);
	if (bytes > rules.maxRecordBytes) {
		const message = `a message for topic ${topic.name} has ${bytes} bytes and the limit (maxRecordBytes) is ${rules.maxRecordBytes}: send less, or raise it here and on the broker`;
		throw new PolylogError("MESSAGE_TOO_LARGE", message, { topic: topic.name });
	}
	if (record.value === null && !rules.tombstones) {
		throw new PolylogError(
			"UNSUPPORTED",
			`a message for topic ${topic.name} is a tombstone (no value), which this backend cannot store (capability tombstones)`,
			{ topic: topic.name },
		);
	}
	return { record, bytes };
}

function keyOf<T>(topic: Topic<T>, value: T, given: string | Uint8Array | undefined): Uint8Array | undefined {
	const key = given ?? ownKey(topic, value);
	if (key === undefined || key instanceof Uint8Array) return key;
	if (typeof key !== "string" || !key.isWellFormed())
		throw new PolylogError(
			"CODEC_FAILED",
			`the key of a message for topic ${topic.name} must be a string of well-formed Unicode or a Uint8Array`,
			{ topic: topic.name },
		);
	return Buffer.from(key);
}

function ownKey<T>(topic: Topic<T>, value: T): string | Uint8Array | undefined {
	try {
		return topic.definition.key?.(value);
	} catch (cause) {
		throw new PolylogError(
			"CODEC_FAILED",
			`the key function of topic ${topic.name} threw: ${cause instanceof Error ? cause.message : typeof cause}`,
			{ topic: topic.name, cause },
		);
	}
}

function timestampOf(given: Date | number | undefined, clock: Clock): number {
	if (given === undefined) return clock.wall();
	const timestamp = Number(given);
	if (!Number.isSafeInteger(timestamp) || timestamp < 0)
		throw new PolylogError("CODEC_FAILED", "the timestamp of a message must be a valid Date or whole milliseconds since 1970");
	return timestamp;
}

/** What preparing a message threw, as a PolylogError: a caller's iterable, codec or schema may throw anything. */
export function asPolylogError(error: unknown, topic: string): PolylogError {
	if (isPolylogError(error)) return error;
	return new PolylogError(
		"CODEC_FAILED",
		`a message for topic ${topic} could not be prepared: ${error instanceof Error ? error.message : typeof error}`,
		{ topic, cause: error },
	);
}

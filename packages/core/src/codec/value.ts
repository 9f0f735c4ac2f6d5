// Values to bytes and back: the topic's codec, then its schema, every failure a CODEC_FAILED that shows no value.
import type { Codec, Topic } from "../api/topic.ts";
import type { RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import type { Partition } from "../partition.ts";
import { json } from "./json.ts";
import { isPromise, validate } from "./schema.ts";

/**
 * Checks `value` against the schema and encodes it **as it was given**: what the schema makes of a value (defaults,
 * transformations) is applied once, by the reader. A promise only if the schema is asynchronous; the value must not
 * change before it resolves. Throws, or rejects with, CODEC_FAILED.
 */
export function encodeValue<T>(topic: Topic<T>, value: T): Uint8Array | null | Promise<Uint8Array | null> {
	try {
		const schema = topic.definition.value;
		const checked = schema && validate(schema, value);
		if (!isPromise(checked)) return codecOf(topic).encode(value);
		return checked.then(() => codecOf(topic).encode(value)).catch((error: unknown) => Promise.reject(cannotEncode(topic, error)));
	} catch (error) {
		throw cannotEncode(topic, error);
	}
}

/**
 * The value of a stored record. Synchronous unless the schema is asynchronous. Throws, or rejects with, CODEC_FAILED.
 * `partition` is for the error's text.
 */
export function decodeValue<T>(topic: Topic<T>, record: RawRecord, partition?: Partition): T | Promise<T> {
	try {
		const decoded = codecOf(topic).decode(record.value);
		const schema = topic.definition.value;
		const value = schema ? validate(schema, decoded) : decoded;
		return isPromise(value) ? value.catch((error: unknown) => Promise.reject(cannotDecode(topic, record, partition, error))) : value;
	} catch (error) {
		throw cannotDecode(topic, record, partition, error);
	}
}

function codecOf<T>(topic: Topic<T>): Codec<T> {
	return topic.definition.codec ?? json<T>();
}

function cannotEncode<T>(topic: Topic<T>, error: unknown): PolylogError {
	return new PolylogError("CODEC_FAILED", `cannot encode a value for topic ${topic.name} (${codecOf(topic).name}): ${messageOf(error)}`, {
		topic: topic.name,
		cause: error,
	});
}

function cannotDecode<T>(topic: Topic<T>, record: RawRecord, partition: Partition | undefined, error: unknown): PolylogError {
	const place = partition ? `${topic.name}/${partition.index}` : topic.name;
	return new PolylogError(
		"CODEC_FAILED",
		`cannot decode the value at offset ${record.offset} of ${place} (${codecOf(topic).name}): ${messageOf(error)}`,
		{
			topic: topic.name,
			...(partition ? { partition: partition.index } : {}),
			offset: record.offset,
			cause: error,
		},
	);
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : `the codec threw a ${typeof error}`;
}

// Topics: a typed name, and how values become bytes. Making one does no I/O.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Retention } from "../driver/driver.ts";

/** How values of a topic become bytes and come back. Both ways may throw; core wraps that as CODEC_FAILED. */
export interface Codec<T> {
	readonly name: string;
	encode(value: T): Uint8Array | null;
	/** `null` is a tombstone. */
	decode(bytes: Uint8Array | null): T;
}

/** Given a number of partitions and the key, says which partition; must be pure. `undefined`: let core spread. */
export type Partitioner = (key: Uint8Array | undefined, partitions: number) => number | undefined;

export interface TopicDefinition<T> {
	/**
	 * Used when the topic is made, by `topics.create`, `topics.ensure` (there 1 by default) or its first use (which without
	 * it is TOPIC_NOT_FOUND, since the name may be mistyped). An existing topic keeps its own number.
	 */
	readonly partitions?: number;
	/**
	 * A Standard Schema (zod, valibot, arktype, …): checked when sending and when receiving. JSON underneath. What is
	 * stored is the value as it was given to `send`; a reader gets what the schema makes of it (defaults, `z.coerce.date()`).
	 */
	readonly value?: StandardSchemaV1<unknown, T>;
	/** Instead of JSON. With it, `value` checks what the codec decoded. Default `json()`. */
	readonly codec?: Codec<T>;
	/**
	 * The key of a value, where `send` is not given one. Records of one key keep their order.
	 *
	 * Declared as a method so that a `Topic<Order>` is accepted where any topic is (`topics.ensure`, a group's list).
	 */
	key?(value: T): string | Uint8Array | undefined;
	/** Default: murmur2 of the key as Kafka's Java client has it; records without a key are spread. */
	readonly partitioner?: Partitioner;
	/** Used when the topic is made. Default: nothing is ever removed. */
	readonly retention?: Retention;
}

/** What a topic is made of; every `Topic` has it, whatever its values are. */
export interface TopicShape {
	readonly name: string;
	readonly definition: { readonly partitions?: number; readonly retention?: Retention };
}

/** A typed name. Two with the same name mean the same log. */
export interface Topic<T> {
	readonly name: string;
	readonly definition: TopicDefinition<T>;
}

// What a handler receives.
import type { RawRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";

/**
 * The headers of a message: an ordered multimap. Names and values are a stranger's data: nothing in here is an
 * ordinary object, so a header named `__proto__` is a header like any other.
 */
export interface MessageHeaders extends Iterable<readonly [name: string, value: string | Uint8Array]> {
	readonly size: number;
	/** The first value of the name as text (bytes are read as UTF-8). */
	get(name: string): string | undefined;
	/** The first value of the name as it is stored. */
	raw(name: string): string | Uint8Array | undefined;
	/** All values of the name as text, in order. */
	getAll(name: string): string[];
	has(name: string): boolean;
	toJSON(): readonly (readonly [string, string])[];
}

/** A decoded record, with everything that is known about its delivery. `console.log` of it is short and shows no value. */
export interface Message<T> {
	readonly partition: Partition;
	readonly offset: Offset;
	/** As UTF-8 text; the bytes are `raw.key`. `undefined`: the record has no key. */
	readonly key: string | undefined;
	readonly value: T;
	readonly headers: MessageHeaders;
	readonly timestamp: Date;
	/** 1 at the first try in this process; counts the retries of the failure policy. */
	readonly attempt: number;
	/** Rises with every change of owner of this partition, also across a lost journal. Give it to a store that checks
	 *  it: the only way to stop a zombie's side effects. `0n` where nobody owns the partition (`broker.read`). */
	readonly fence: bigint;
	/** The record as it is stored. */
	readonly raw: RawRecord;
}

/** Messages of one partition, in order, at least one. */
export interface Batch<T> {
	readonly partition: Partition;
	readonly messages: readonly Message<T>[];
	readonly fence: bigint;
}

export interface Context {
	/** Aborts when the partition is revoked past its grace, lost, or the member closes past its deadline. */
	readonly signal: AbortSignal;
}

/** Headers as they are given to `send`: an object, pairs, a `Map`, or the headers of a message. At most 64, and 16 KiB in all. */
export type HeadersInput = Readonly<Record<string, string | Uint8Array>> | Iterable<readonly [name: string, value: string | Uint8Array]>;

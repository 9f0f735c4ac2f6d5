// Records as the log stores them: bytes. What a handler receives is a Message (message.ts).
import type { Offset } from "../offset.ts";

/** Ordered; a name may repeat where the broker can keep that (`headerMultimap`). Text stays text where it can. */
export type RawHeaders = readonly (readonly [name: string, value: string | Uint8Array])[];

/** A record to append. The arrays belong to the caller and do not change until the append is settled. */
export interface OutgoingRecord {
	readonly key: Uint8Array | undefined;
	/** `null` is a tombstone (capability `tombstones`). */
	readonly value: Uint8Array | null;
	readonly headers: RawHeaders;
	/** Milliseconds since 1970. */
	readonly timestamp: number;
}

/** A record as it was read. The arrays belong to the receiver; the driver never writes to them again. */
export interface RawRecord extends OutgoingRecord {
	readonly offset: Offset;
}

/**
 * What became of one appended record.
 *
 * - `ok`: durable at the backend's published class; `offset` where the broker tells it
 * - `failed`: was never stored and never will be
 * - `unknown`: may be stored, now or later; core sends it again under the same producer sequence
 */
export type AppendOutcome =
	| { readonly status: "ok"; readonly offset?: Offset }
	| { readonly status: "failed"; readonly error: unknown }
	| { readonly status: "unknown"; readonly error: unknown };

// Codecs of the kit: bytes as they are, so that a check can store what JSON never would.
import type { Codec } from "@polylog/core";

/** Bytes, or null for a tombstone. */
export const rawBytes: Codec<Uint8Array | null> = {
	name: "raw",
	encode: (value) => value,
	decode: (bytes) => bytes,
};

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

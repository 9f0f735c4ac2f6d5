import { isUtf8 } from "node:buffer";
import type { Codec } from "../api/topic.ts";

/** Strings as UTF-8, kept exactly. Lone surrogates and invalid UTF-8 are refused, not replaced; a tombstone does not decode. */
export function text(): Codec<string> {
	return { name: "text", encode, decode };
}

function encode(value: string): Uint8Array {
	if (typeof value !== "string") throw new TypeError(`the value must be a string, not ${value === null ? "null" : typeof value}`);
	if (!value.isWellFormed()) throw new TypeError("the value holds a lone surrogate, which UTF-8 cannot say");
	return Buffer.from(value);
}

function decode(stored: Uint8Array | null): string {
	if (stored === null) throw new TypeError("the record is a tombstone: it has no value");
	if (!isUtf8(stored)) throw new TypeError(`its ${stored.length} bytes are not UTF-8`);
	return Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString();
}

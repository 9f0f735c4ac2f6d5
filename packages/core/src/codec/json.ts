// The default codec: JSON in UTF-8. What a stranger wrote is refused, never repaired.
import { isUtf8 } from "node:buffer";
import type { Codec } from "../api/topic.ts";
import { checkDepth, checkPrototypeKeys } from "./json-guard.ts";

/**
 * JSON in UTF-8, by the rules of `JSON.stringify`. `null` is a tombstone, both ways. Refused with CODEC_FAILED: values
 * that JSON cannot say (undefined, a function, a BigInt, a cycle), invalid UTF-8, nesting deeper than 1000, and objects
 * that carry `__proto__` or `constructor.prototype`.
 */
export function json<T = unknown>(): Codec<T> {
	return { name: "json", encode, decode };
}

function encode(value: unknown): Uint8Array | null {
	if (value === null) return null;
	const text = stringify(value);
	// Refused here already: nobody could read it.
	if (mayHoldPrototypeKey(text)) checkPrototypeKeys(JSON.parse(text));
	return Buffer.from(text);
}

function stringify(value: unknown): string {
	try {
		const text: string | undefined = JSON.stringify(value);
		if (text !== undefined) return text;
	} catch (error) {
		if (error instanceof RangeError) throw new TypeError("the value is nested too deeply", { cause: error });
		const message = error instanceof Error ? error.message : "";
		if (message.includes("BigInt"))
			throw new TypeError(
				"the value holds a BigInt, which JSON cannot say: send it as a string (`String(n)`), or give the topic a codec of its own",
				{ cause: error },
			);
		if (message.includes("circular")) throw new TypeError("the value refers to itself, which JSON cannot say", { cause: error });
		throw error;
	}
	throw new TypeError(`the value is ${typeof value}, which JSON cannot say`);
}

function decode(bytes: Uint8Array | null) {
	if (bytes === null) return null;
	if (!isUtf8(bytes)) throw new TypeError(`its ${bytes.length} bytes are not UTF-8`);
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
	checkDepth(text);
	const value = parse(text, bytes.length);
	if (mayHoldPrototypeKey(text)) checkPrototypeKeys(value);
	return value;
}

function parse(text: string, size: number) {
	try {
		return JSON.parse(text);
	} catch {
		// The parser's own message quotes the value.
		throw new TypeError(`its ${size} bytes are not JSON`);
	}
}

/** A cheap look at the text; `\u` because a key may be written with escapes. */
function mayHoldPrototypeKey(text: string): boolean {
	return text.includes("__proto__") || text.includes('"prototype"') || text.includes("\\u00");
}

// Reading JSON that anybody may have written: each reader gives the value, or `undefined` if it is not what was asked for.

export type Plain = { readonly [name: string]: unknown };

const TEXT_MAX = 512;
const DIGITS = /^\d{1,40}$/;
const PARTITION = /^[^/]{1,300}\/(?:0|[1-9]\d{0,8})$/;

export function parse(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
	} catch {
		return undefined;
	}
}

export function plainObject(json: unknown): Plain | undefined {
	return isPlain(json) ? json : undefined;
}

function isPlain(json: unknown): json is Plain {
	return typeof json === "object" && json !== null && !Array.isArray(json);
}

export function array(json: unknown): readonly unknown[] {
	return Array.isArray(json) ? json : [];
}

export function isText(json: unknown): json is string {
	return typeof json === "string" && json.length > 0 && json.length <= TEXT_MAX;
}

export function text(json: unknown): string | undefined {
	return isText(json) ? json : undefined;
}

/** An integer from 0 to 2^53 - 1. */
export function natural(json: unknown): number | undefined {
	return typeof json === "number" && Number.isSafeInteger(json) && json >= 0 ? json : undefined;
}

export function offsetOf(json: unknown): bigint | undefined {
	return typeof json === "string" && DIGITS.test(json) ? BigInt(json) : undefined;
}

export function partitionKeyOf(json: unknown): string | undefined {
	return typeof json === "string" && PARTITION.test(json) ? json : undefined;
}

// Headers of messages: reading a stranger's, and checking those to be sent. No header name ever becomes a property.
import { inspect } from "node:util";
import type { HeadersInput, MessageHeaders } from "./api/message.ts";
import type { RawHeaders } from "./driver/record.ts";
import { PolylogError } from "./errors.ts";

export const MAX_HEADERS = 64;
export const MAX_HEADER_BYTES = 16 * 1024;

const NO_HEADERS: RawHeaders = Object.freeze([]);

class ReadHeaders implements MessageHeaders {
	readonly #raw: RawHeaders;

	constructor(raw: RawHeaders) {
		this.#raw = raw;
	}

	get size(): number {
		return this.#raw.length;
	}

	get(name: string): string | undefined {
		const value = this.raw(name);
		return value === undefined ? undefined : asText(value);
	}

	raw(name: string): string | Uint8Array | undefined {
		return this.#raw.find(([known]) => known === name)?.[1];
	}

	getAll(name: string): string[] {
		return this.#raw.filter(([known]) => known === name).map(([, value]) => asText(value));
	}

	has(name: string): boolean {
		return this.#raw.some(([known]) => known === name);
	}

	toJSON(): readonly (readonly [string, string])[] {
		return this.#raw.map(([name, value]) => [name, asText(value)]);
	}

	[Symbol.iterator](): Iterator<readonly [name: string, value: string | Uint8Array]> {
		return this.#raw[Symbol.iterator]();
	}

	[inspect.custom](): string {
		return `MessageHeaders(${this.#raw.map(([name]) => JSON.stringify(name.slice(0, 100))).join(", ")})`;
	}
}

export function readHeaders(raw: RawHeaders): MessageHeaders {
	return new ReadHeaders(raw);
}

/** The headers given to `send`, copied. MESSAGE_TOO_LARGE beyond 64 headers or 16 KiB, CODEC_FAILED for what is no header. */
export function outgoingHeaders(input: HeadersInput | undefined): RawHeaders {
	if (input === undefined) return NO_HEADERS;
	const headers: [string, string | Uint8Array][] = [];
	let bytes = 0;
	for (const [name, value] of isIterable(input) ? input : Object.entries(input)) {
		checkHeader(name, value);
		bytes += Buffer.byteLength(name) + (typeof value === "string" ? Buffer.byteLength(value) : value.length);
		headers.push([name, value]);
		if (headers.length > MAX_HEADERS) throw new PolylogError("MESSAGE_TOO_LARGE", `a message may have ${MAX_HEADERS} headers at most`);
		if (bytes > MAX_HEADER_BYTES)
			throw new PolylogError("MESSAGE_TOO_LARGE", `the headers of a message may have ${MAX_HEADER_BYTES} bytes at most, names included`);
	}
	return headers;
}

function checkHeader(name: unknown, value: unknown): void {
	if (typeof name !== "string" || name === "" || !name.isWellFormed())
		throw new PolylogError("CODEC_FAILED", "the name of a header must be a non-empty string of well-formed Unicode");
	if (value instanceof Uint8Array || (typeof value === "string" && value.isWellFormed())) return;
	throw new PolylogError(
		"CODEC_FAILED",
		`header ${JSON.stringify(name.slice(0, 100))} must be a string of well-formed Unicode or a Uint8Array, not ${typeof value}`,
	);
}

function isIterable(input: HeadersInput): input is Iterable<readonly [string, string | Uint8Array]> {
	return Symbol.iterator in input;
}

function asText(value: string | Uint8Array): string {
	return typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}

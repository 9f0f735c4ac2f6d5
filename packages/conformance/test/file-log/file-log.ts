// Records in one append-only file, written by any number of processes: a line each, and its first byte tells the offset.
import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import type { Credit, LocalLog, OutgoingRecord, RawRecord } from "@polylog/core/driver";

const PAGE = 64 * 1024;

interface Line {
	readonly at: number;
	readonly text: string;
}

export class FileLog implements LocalLog {
	/** The offset of the file's first byte. */
	readonly incarnation: bigint;
	readonly #path: string;
	readonly #kept: number;

	constructor(path: string, first: bigint, kept = Number.POSITIVE_INFINITY) {
		this.#path = path;
		this.incarnation = first;
		this.#kept = kept;
	}

	/** Old records stay in the file, and are passed over: this is a toy. */
	get earliest(): bigint {
		const { size } = statSync(this.#path);
		const first = size > this.#kept ? (readLines(this.#path, size - this.#kept, PAGE)[0] ?? lastLine(this.#path)) : undefined;
		return this.#offset(first?.at ?? 0);
	}

	get end(): bigint {
		const last = lastLine(this.#path);
		return last ? this.#offset(last.at + 1) : this.incarnation;
	}

	append(records: readonly OutgoingRecord[]): void {
		const fd = openSync(this.#path, constants.O_WRONLY | constants.O_APPEND);
		try {
			// The first line break ends a line that somebody's death may have cut off.
			const bytes = Buffer.from(`\n${records.map((record) => serialize(record).toString("base64")).join("\n")}\n`);
			// One write: the kernel puts it behind what others have written, and nothing in between.
			if (writeSync(fd, bytes) < bytes.length) throw new Error(`${this.#path} took only a part: is the disk full?`);
		} finally {
			closeSync(fd);
		}
	}

	slice(from: bigint, { bytes, records }: Credit): RawRecord[] {
		const lines = readLines(this.#path, Number(from - this.incarnation), bytes).slice(0, records);
		return lines.map(({ at, text }) => ({ ...(deserialize(Buffer.from(text, "base64")) as OutgoingRecord), offset: this.#offset(at) }));
	}

	truncateBefore(): void {}

	#offset(at: number): bigint {
		return this.incarnation + BigInt(at);
	}
}

/** Whole lines that begin at `from` or behind it, in `bytes` bytes; a longer one alone. */
function readLines(path: string, from: number, bytes: number): Line[] {
	// From the byte before, which says whether a line begins at `from`.
	const start = Math.max(0, from - 1);
	for (let length = bytes; ; length *= 4) {
		const { chunk, size } = readChunk(path, start, length);
		const lines = linesIn(chunk, start).filter(({ at }) => at >= from);
		if (lines.length > 0 || start + length >= size) return length > bytes ? lines.slice(0, 1) : lines;
	}
}

function lastLine(path: string): Line | undefined {
	for (let length = PAGE; ; length *= 4) {
		const start = Math.max(0, statSync(path).size - length);
		const last = linesIn(readChunk(path, start, length).chunk, start).at(-1);
		if (last || start === 0) return last;
	}
}

function readChunk(path: string, start: number, length: number) {
	const fd = openSync(path, "r");
	try {
		const { size } = fstatSync(fd);
		const chunk = Buffer.alloc(Math.max(0, Math.min(length, size - start)));
		return { chunk: chunk.subarray(0, readSync(fd, chunk, 0, chunk.length, start)), size };
	} finally {
		closeSync(fd);
	}
}

/** Lines that begin and end in the chunk; in the middle of a file its first bytes belong to a line that began before. */
function linesIn(chunk: Buffer, start: number): Line[] {
	const lines: Line[] = [];
	let at = start === 0 ? 0 : chunk.indexOf(10) + 1 || chunk.length;
	for (let end = chunk.indexOf(10, at); end >= 0; at = end + 1, end = chunk.indexOf(10, at))
		if (end > at) lines.push({ at: start + at, text: chunk.toString("utf8", at, end) });
	return lines;
}

// One append-only file of lines, written by any number of processes. The place of a line is its first byte.
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";

export interface Line {
	readonly at: number;
	readonly text: string;
}

const CHUNK = 64 * 1024;

/** One write: the kernel puts it behind what others have written, and nothing in between. `create`: if there is no file. */
export function appendLines(path: string, texts: readonly string[], create = false): void {
	const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | (create ? constants.O_CREAT : 0));
	try {
		// The first line break ends a line that somebody's death may have cut off.
		const bytes = Buffer.from(`\n${texts.join("\n")}\n`);
		if (writeSync(fd, bytes) < bytes.length) throw new Error(`${path} took only a part: is the disk full?`);
	} finally {
		closeSync(fd);
	}
}

/** Whole lines that begin at `from` or behind it: at least one if there is one, and not much more than `bytes`. */
export function readLines(path: string, from: number, bytes = CHUNK): Line[] {
	// From the byte before, which says whether a line begins at `from`.
	const start = Math.max(0, from - 1);
	for (let length = bytes; ; length *= 4) {
		const { chunk, whole } = slice(path, start, length);
		const lines = linesIn(chunk, start).filter(({ at }) => at >= from);
		if (lines.length > 0 || whole) return lines;
	}
}

/** The last whole line. */
export function lastLine(path: string): Line | undefined {
	for (let length = CHUNK; ; length *= 4) {
		const start = Math.max(0, sizeOf(path) - length);
		const last = linesIn(slice(path, start, length).chunk, start).at(-1);
		if (last || start === 0) return last;
	}
}

export function sizeOf(path: string): number {
	return slice(path, 0, 0).size;
}

function slice(path: string, start: number, length: number) {
	const fd = openSync(path, "r");
	try {
		const { size } = fstatSync(fd);
		const chunk = Buffer.alloc(Math.max(0, Math.min(length, size - start)));
		return { chunk: chunk.subarray(0, readSync(fd, chunk, 0, chunk.length, start)), whole: start + length >= size, size };
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

// The journal of a group: a file of one line for each entry. It is never cut, so its whole history can be read.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type JournalEntry, type JournalLog, JournalPlaceLost, type JournalStore, recordDigest } from "@polylog/core/driver";
import type { Folder } from "./folder.ts";
import { appendLines, lastLine, type Line, readLines, sizeOf } from "./line-file.ts";
import { recordOf } from "./record-line.ts";
import { rangeOf, shapeOf } from "./topics.ts";

const SUFFIX = ".journal";

export function fileJournals(folder: Folder): JournalStore {
	const pathOf = (group: string) => join(folder.journals, `${group}${SUFFIX}`);
	return {
		async open(group) {
			await folder.turn();
			appendLines(pathOf(group), [], true);
			return fileJournal(folder, pathOf(group));
		},
		async find(group) {
			await folder.turn();
			return existsSync(pathOf(group)) ? fileJournal(folder, pathOf(group)) : undefined;
		},
		async list() {
			await folder.turn();
			return readdirSync(folder.journals).map((name) => name.slice(0, -SUFFIX.length));
		},
		async delete(group) {
			await folder.turn();
			if (!existsSync(pathOf(group))) return false;
			rmSync(pathOf(group));
			return true;
		},
	};
}

function fileJournal(folder: Folder, path: string): JournalLog {
	const closed = new AbortController();
	const after = (at: number | undefined): Line[] => (existsSync(path) ? readLines(path, at ?? 0) : []);
	return {
		// A file has no connection that could be lost.
		connection: 0,
		async append(bytes) {
			await folder.turn();
			appendLines(path, [Buffer.from(bytes).toString("base64")], true);
			return { durable: true };
		},
		async read(cursor, waitMs, signal) {
			await folder.turn();
			const at = cursor && Number(cursor.position);
			const entries = () => {
				const [first, ...rest] = after(at).map(entryOf);
				if (!cursor) return first ? [first, ...rest] : [];
				if (first?.position !== cursor.position || Buffer.compare(first.bytes, cursor.bytes) !== 0) throw new JournalPlaceLost();
				return rest;
			};
			const found = entries();
			if (found.length > 0 || closed.signal.aborted || !existsSync(path)) return found;
			await folder.grown(path, sizeOf(path), waitMs, signal, closed.signal);
			return entries();
		},
		async prove(proofs) {
			await folder.turn();
			return proofs.every(({ partition, offset, digest }) => {
				if (!shapeOf(folder, partition.topic)) return false;
				const { earliest, end } = rangeOf(folder, partition);
				if (offset < earliest) return end > offset;
				const [line] = readLines(folder.partition(partition), Number(offset), 1);
				return line?.at === Number(offset) && recordDigest(recordOf(line)) === digest;
			});
		},
		async bounds() {
			await folder.turn();
			const place = (line: Line | undefined) => line && BigInt(line.at);
			return { first: place(after(0)[0]), last: existsSync(path) ? place(lastLine(path)) : undefined, complete: true };
		},
		async truncateBefore() {},
		async close() {
			closed.abort();
		},
	};
}

const entryOf = ({ at, text }: Line): JournalEntry => ({ position: BigInt(at), bytes: Uint8Array.from(Buffer.from(text, "base64")) });

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
	const from = (at: number): Line[] => (existsSync(path) ? readLines(path, at) : []);
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
			const entries = () => {
				if (!cursor) return from(0).map(entryOf);
				const at = Number(cursor.position);
				const [stands] = from(at);
				if (stands?.at !== at || Buffer.compare(entryOf(stands).bytes, cursor.bytes) !== 0) throw new JournalPlaceLost();
				// A read of its own: what follows may be too long for the page that the cursor's entry is on.
				return from(at + 1).map(entryOf);
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
			return { first: place(from(0)[0]), last: existsSync(path) ? place(lastLine(path)) : undefined, complete: true };
		},
		async truncateBefore() {},
		async close() {
			closed.abort();
		},
	};
}

const entryOf = ({ at, text }: Line): JournalEntry => ({ position: BigInt(at), bytes: Uint8Array.from(Buffer.from(text, "base64")) });

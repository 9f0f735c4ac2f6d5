// A log in a folder, for the processes of one machine: `file:///some/folder`. A toy, and a whole adapter.
import { type Adapter, type Capabilities, classifyError, type Driver, readOptions } from "@polylog/core/driver";
import { Folder } from "./folder.ts";
import { fileJournals } from "./journals.ts";
import { appendLines, readLines } from "./line-file.ts";
import { FileReader } from "./reader.ts";
import { lineOf, recordOf } from "./record-line.ts";
import { fileTopics, rangeOf } from "./topics.ts";

const CAPABILITIES: Capabilities = {
	// Written to the page cache, and not flushed.
	durability: "process-crash",
	multiProcess: true,
	idempotentAppend: false,
	producerFencing: false,
	headerMultimap: true,
	tombstones: true,
	offsetAt: true,
	growTopics: true,
	commitsOutliveTopic: true,
	nativeGroupView: false,
};

export const adapter: Adapter = {
	name: "file",
	schemes: ["file"],
	create(target, context): Driver {
		readOptions("file", target, {});
		const folder = new Folder(`/${target.url.path}`, context);
		return {
			name: "file",
			capabilities: CAPABILITIES,
			topics: fileTopics(folder),
			groups: { kind: "journal", journals: fileJournals(folder) },
			connect: () => folder.turn(),
			close: async () => folder.close(),
			destroy: () => folder.close(),
			async append(partition, records) {
				await folder.turn();
				appendLines(folder.partition(partition), records.map(lineOf));
				return records.map(() => ({ status: "ok" }));
			},
			openReader: (partition, from) => new FileReader(folder, partition, from),
			async offsetAt(partition, timestampMs) {
				await folder.turn();
				const { earliest, end } = rangeOf(folder, partition);
				const records = readLines(folder.partition(partition), Number(earliest), Number(end)).map(recordOf);
				return records.find(({ timestamp }) => timestamp >= timestampMs)?.offset ?? end;
			},
			classify: (error) =>
				classifyError(error, (own) => ("code" in own && own.code === "ENOENT" ? { code: "TOPIC_NOT_FOUND" } : { code: "UNKNOWN" })),
			native: () => folder,
		};
	},
};

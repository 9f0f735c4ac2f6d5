// A log in a folder, for the processes of one machine: `file:///some/folder`. A toy, and a whole adapter.
import {
	type Adapter,
	type Capabilities,
	classifyError,
	type Driver,
	laterTurn,
	localJournals,
	localPartition,
	LocalReader,
	readOptions,
} from "@polylog/core/driver";
import { Folder } from "./folder.ts";
import { fileTopics } from "./topics.ts";

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
			groups: { kind: "journal", journals: localJournals(folder) },
			connect: () => laterTurn(folder),
			close: async () => folder.close(),
			destroy: () => folder.close(),
			async append(partition, records) {
				await laterTurn(folder);
				localPartition(folder, partition).append(records);
				return records.map(() => ({ status: "ok" }));
			},
			openReader: (partition, from) => new LocalReader(folder, partition, from),
			async offsetAt(partition, timestampMs) {
				await laterTurn(folder);
				const log = localPartition(folder, partition);
				const records = log.slice(log.earliest, { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY });
				return records.find(({ timestamp }) => timestamp >= timestampMs)?.offset ?? log.end;
			},
			classify: (error) =>
				classifyError(error, (own) => ("code" in own && own.code === "ENOENT" ? { code: "TOPIC_NOT_FOUND" } : { code: "UNKNOWN" })),
			native: () => folder,
		};
	},
};

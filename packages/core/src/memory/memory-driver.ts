// The embedded backend, and the reference for every other: one process, bounded by retention, nothing survives it.
import type { Capabilities } from "../capabilities.ts";
import type { Clock } from "../clock.ts";
import type {
	Adapter,
	Classification,
	Driver,
	DriverContext,
	ProducerIdentity,
	Reader,
	TopicDescription,
	TopicStore,
} from "../driver/driver.ts";
import { readOptions } from "../driver/options.ts";
import type { AppendOutcome, OutgoingRecord } from "../driver/record.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import { localJournals } from "../local-log/local-journals.ts";
import { laterTurn, type LocalLogs, localPartition } from "../local-log/local-log.ts";
import { LocalReader } from "../local-log/local-reader.ts";
import { MemoryLink, MemoryLinkError, type MemoryNative } from "./memory-link.ts";
import type { MemoryLog } from "./memory-log.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";

const CAPABILITIES: Capabilities = {
	durability: "none",
	multiProcess: false,
	idempotentAppend: true,
	producerFencing: true,
	headerMultimap: true,
	tombstones: true,
	offsetAt: true,
	growTopics: true,
	commitsOutliveTopic: true,
	nativeGroupView: false,
};

export const memoryAdapter: Adapter = {
	name: "memory",
	schemes: ["memory"],
	create(target, context) {
		readOptions("memory", target, {});
		return new MemoryDriver(memoryStore(target.url.path, context.clock), context);
	},
};

class MemoryDriver implements Driver {
	readonly name = "memory";
	readonly capabilities = CAPABILITIES;
	readonly topics: TopicStore;
	readonly groups: Driver["groups"];
	readonly #logs: LocalLogs<MemoryLog>;
	readonly #link = new MemoryLink();

	constructor(store: MemoryStore, context: DriverContext) {
		this.#logs = memoryLogs(store, this.#link, context.clock);
		this.topics = memoryTopics(store, this.#link);
		this.groups = { kind: "journal", journals: localJournals(this.#logs) };
	}

	async connect(): Promise<void> {
		this.#link.check();
	}

	async close(): Promise<void> {
		this.#link.close();
	}

	destroy(): void {
		this.#link.close();
	}

	async append(partition: Partition, records: readonly OutgoingRecord[], producer: ProducerIdentity): Promise<readonly AppendOutcome[]> {
		await laterTurn(this.#logs);
		return this.#log(partition).append(records, producer);
	}

	openReader(partition: Partition, from: Offset): Reader {
		return new LocalReader(this.#logs, partition, from);
	}

	async offsetAt(partition: Partition, timestampMs: number): Promise<Offset> {
		return this.#log(partition).offsetAt(timestampMs);
	}

	classify(error: unknown): Classification {
		return { code: error instanceof MemoryLinkError ? "CONNECTION_LOST" : "UNKNOWN" };
	}

	native(): MemoryNative {
		return {
			cut: () => this.#link.cut(),
			mend: () => this.#link.mend(),
			truncateBefore: (partition, offset) => this.#log(partition).truncateBefore(offset),
		};
	}

	#log(partition: Partition): MemoryLog {
		this.#link.check();
		return localPartition(this.#logs, partition);
	}
}

function memoryLogs(store: MemoryStore, link: MemoryLink, clock: Clock): LocalLogs<MemoryLog> {
	return {
		clock,
		get signal() {
			return link.signal;
		},
		partition: (partition) => store.partition(partition),
		journals: {
			find: (group) => store.journals.get(group),
			open: (group) => store.journal(group),
			list: () => [...store.journals.keys()],
			delete: (group) => store.journals.delete(group),
		},
	};
}

function memoryTopics(store: MemoryStore, link: MemoryLink): TopicStore {
	return {
		async create(topic, options) {
			link.check();
			return store.createTopic(topic, options);
		},
		async delete(topic) {
			link.check();
			return store.topics.delete(topic);
		},
		async grow(topic, partitions) {
			link.check();
			store.growTopic(topic, partitions);
		},
		async describe(topic): Promise<TopicDescription | undefined> {
			link.check();
			const known = store.topics.get(topic);
			return (
				known && {
					topic,
					partitions: known.partitions.map((log, index) => ({
						topic,
						index,
						earliest: log.earliest,
						end: log.end,
						records: Number(log.end - log.earliest),
					})),
				}
			);
		},
		async list() {
			link.check();
			return [...store.topics.keys()];
		},
	};
}

// What connections to one embedded log share: its topics and journals. `memory:NAME` is one store for the process.
import type { Clock } from "../clock.ts";
import type { TopicOptions } from "../driver/driver.ts";
import type { Partition } from "../partition.ts";
import { MemoryLog } from "./memory-log.ts";

export interface MemoryTopic {
	readonly partitions: MemoryLog[];
	readonly options: TopicOptions;
}

export class MemoryStore {
	readonly topics = new Map<string, MemoryTopic>();
	readonly journals = new Map<string, MemoryLog>();
	readonly #clock: Clock;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	createTopic(name: string, options: TopicOptions): boolean {
		if (this.topics.has(name)) return false;
		this.topics.set(name, { partitions: [], options });
		this.growTopic(name, options.partitions);
		return true;
	}

	growTopic(name: string, partitions: number): void {
		const topic = this.topics.get(name);
		while (topic && topic.partitions.length < partitions) topic.partitions.push(new MemoryLog(this.#clock, topic.options.retention));
	}

	partition({ topic, index }: Partition): MemoryLog | undefined {
		return this.topics.get(topic)?.partitions[index];
	}

	journal(group: string): MemoryLog {
		const known = this.journals.get(group);
		if (known) return known;
		const journal = new MemoryLog(this.#clock);
		this.journals.set(group, journal);
		return journal;
	}
}

const named = new Map<string, MemoryStore>();

/** The store of that name in this process; without a name, one of its own for each call. It lives as long as the process. */
export function memoryStore(name: string, clock: Clock): MemoryStore {
	if (name === "") return new MemoryStore(clock);
	const known = named.get(name);
	if (known) return known;
	const store = new MemoryStore(clock);
	named.set(name, store);
	return store;
}

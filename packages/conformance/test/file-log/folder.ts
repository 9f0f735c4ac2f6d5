// Where things lie in the folder: a file for each partition of a topic, and one for the journal of each group.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DriverContext, LocalLogs, Partition, TopicOptions } from "@polylog/core/driver";
import { FileLog } from "./file-log.ts";

export interface Shape extends TopicOptions {
	/** In ms since 1970. */
	readonly madeAt: number;
}

export class Folder implements LocalLogs {
	readonly topics: string;
	readonly clock: DriverContext["clock"];
	readonly journals: LocalLogs["journals"];
	readonly #random: DriverContext["random"];
	readonly #closed = new AbortController();

	constructor(root: string, { clock, random }: DriverContext) {
		this.topics = join(root, "topics");
		this.clock = clock;
		this.#random = random;
		const journals = join(root, "journals");
		for (const folder of [this.topics, journals]) mkdirSync(folder, { recursive: true });
		this.journals = {
			find: (group) => (existsSync(join(journals, group)) ? new FileLog(join(journals, group), 0n) : undefined),
			open(group) {
				writeFileSync(join(journals, group), "", { flag: "a" });
				return new FileLog(join(journals, group), 0n);
			},
			list: () => readdirSync(journals),
			delete(group) {
				if (!existsSync(join(journals, group))) return false;
				rmSync(join(journals, group));
				return true;
			},
		};
	}

	get signal(): AbortSignal {
		return this.#closed.signal;
	}

	close(): void {
		this.#closed.abort(new Error("the driver was closed"));
	}

	/** A name that nobody else uses. */
	unique(): string {
		return this.#random.hex(8);
	}

	shape(topic: string): Shape | undefined {
		const file = join(this.topics, topic, "topic.json");
		return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Shape) : undefined;
	}

	partition({ topic, index }: Partition): FileLog | undefined {
		const shape = this.shape(topic);
		if (!shape || index >= shape.partitions) return undefined;
		// A topic made again begins above all offsets of the one before, unless that grew by more than a megabyte every ms.
		return new FileLog(join(this.topics, topic, `${index}.log`), BigInt(shape.madeAt) << 20n, shape.retention?.bytes);
	}
}

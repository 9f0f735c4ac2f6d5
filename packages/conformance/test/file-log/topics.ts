// Topics are folders: one file for each partition, and one that says how many there are.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Partition, PolylogError, type TopicOptions, type TopicStore } from "@polylog/core/driver";
import type { Folder } from "./folder.ts";
import { lastLine, readLines, sizeOf } from "./line-file.ts";

interface Shape extends TopicOptions {
	/** A topic made again has another one. */
	readonly id: string;
}

export function shapeOf(folder: Folder, topic: string): Shape | undefined {
	const file = join(folder.topics, topic, "topic.json");
	return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Shape) : undefined;
}

/** From where to where records are. Old ones stay in the file, and are passed over: this is a toy. */
export function rangeOf(folder: Folder, partition: Partition): { earliest: bigint; end: bigint } {
	const path = folder.partition(partition);
	const { bytes = Number.POSITIVE_INFINITY } = shapeOf(folder, partition.topic)?.retention ?? {};
	const [last, size] = [lastLine(path), sizeOf(path)];
	const first = size > bytes ? (readLines(path, size - bytes)[0] ?? last) : undefined;
	return { earliest: BigInt(first?.at ?? 0), end: last ? BigInt(last.at) + 1n : 0n };
}

export function fileTopics(folder: Folder): TopicStore {
	const write = (path: string, { partitions, ...shape }: Shape) => {
		for (let index = 0; index < partitions; index++) writeFileSync(join(path, `${index}.log`), "", { flag: "a" });
		const draft = join(path, folder.unique());
		writeFileSync(draft, JSON.stringify({ partitions, ...shape }));
		renameSync(draft, join(path, "topic.json"));
	};
	return {
		async create(topic, options) {
			await folder.turn();
			const { records, ageMs } = options.retention ?? {};
			if (records !== undefined || ageMs !== undefined)
				throw new PolylogError("UNSUPPORTED", "a file log can limit its topics to bytes alone");
			const draft = join(folder.topics, `.${folder.unique()}`);
			mkdirSync(draft);
			write(draft, { ...options, id: folder.unique() });
			try {
				// Fails if the topic exists: a folder takes the place of an empty one only.
				renameSync(draft, join(folder.topics, topic));
				return true;
			} catch {
				rmSync(draft, { recursive: true });
				return false;
			}
		},
		async delete(topic) {
			await folder.turn();
			const grave = join(folder.topics, `.${folder.unique()}`);
			if (shapeOf(folder, topic) === undefined) return false;
			renameSync(join(folder.topics, topic), grave);
			rmSync(grave, { recursive: true });
			return true;
		},
		async grow(topic, partitions) {
			await folder.turn();
			const shape = shapeOf(folder, topic);
			if (shape && shape.partitions < partitions) write(join(folder.topics, topic), { ...shape, partitions });
		},
		async describe(topic) {
			await folder.turn();
			const shape = shapeOf(folder, topic);
			if (!shape) return undefined;
			const all = Array.from({ length: shape.partitions }, (_, index) => ({ topic, index }));
			return { topic, partitions: all.map((partition) => ({ ...partition, ...rangeOf(folder, partition) })) };
		},
		async list() {
			await folder.turn();
			return readdirSync(folder.topics).filter((name) => !name.startsWith("."));
		},
	};
}

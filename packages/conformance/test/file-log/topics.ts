// Topics are folders: one file for each partition, and one that says how many there are.
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { laterTurn, localPartition, PolylogError, type TopicStore } from "@polylog/core/driver";
import type { Folder, Shape } from "./folder.ts";

export function fileTopics(folder: Folder): TopicStore {
	const write = (path: string, { partitions, ...shape }: Shape) => {
		for (let index = 0; index < partitions; index++) writeFileSync(join(path, `${index}.log`), "", { flag: "a" });
		const draft = join(path, folder.unique());
		writeFileSync(draft, JSON.stringify({ partitions, ...shape }));
		renameSync(draft, join(path, "topic.json"));
	};
	return {
		async create(topic, options) {
			await laterTurn(folder);
			const { records, ageMs } = options.retention ?? {};
			if (records !== undefined || ageMs !== undefined)
				throw new PolylogError("UNSUPPORTED", "a file log can limit its topics to bytes alone");
			const draft = join(folder.topics, `.${folder.unique()}`);
			mkdirSync(draft);
			write(draft, { ...options, madeAt: folder.clock.wall() });
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
			await laterTurn(folder);
			if (!folder.shape(topic)) return false;
			const grave = join(folder.topics, `.${folder.unique()}`);
			renameSync(join(folder.topics, topic), grave);
			rmSync(grave, { recursive: true });
			return true;
		},
		async grow(topic, partitions) {
			await laterTurn(folder);
			const shape = folder.shape(topic);
			if (shape && shape.partitions < partitions) write(join(folder.topics, topic), { ...shape, partitions });
		},
		async describe(topic) {
			await laterTurn(folder);
			const shape = folder.shape(topic);
			if (!shape) return undefined;
			const partitions = Array.from({ length: shape.partitions }, (_, index) => {
				const { earliest, end } = localPartition(folder, { topic, index });
				return { topic, index, earliest, end };
			});
			return { topic, partitions };
		},
		async list() {
			await laterTurn(folder);
			return readdirSync(folder.topics).filter((name) => !name.startsWith("."));
		},
	};
}

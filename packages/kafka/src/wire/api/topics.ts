// Making, growing and deleting topics: CreateTopics 4, CreatePartitions 1, DeleteTopics 3.
import type { ByteReader } from "../bytes.ts";
import type { WireRequest } from "../wire.ts";

export interface TopicResult {
	readonly errorCode: number;
	readonly told: string | undefined;
}

export interface NewTopic {
	readonly name: string;
	readonly partitions: number;
	/** -1: the broker's default. */
	readonly replicationFactor: number;
	readonly config: ReadonlyMap<string, string>;
}

export function createTopicRequest({ name, partitions, replicationFactor, config }: NewTopic, timeoutMs: number): WireRequest<TopicResult> {
	return {
		name: "CreateTopics",
		apiKey: 19,
		version: 4,
		write(to) {
			to.array([name], (topic) => {
				to.string(topic)
					.int32(partitions)
					.int16(replicationFactor)
					.array([], () => {});
				to.array([...config], ([key, value]) => to.string(key).string(value));
			});
			to.int32(timeoutMs).boolean(false);
		},
		read: (from) => readResult(from, true),
	};
}

export function growTopicRequest(name: string, partitions: number, timeoutMs: number): WireRequest<TopicResult> {
	return {
		name: "CreatePartitions",
		apiKey: 37,
		version: 1,
		write: (to) =>
			to
				.array([name], (topic) =>
					to
						.string(topic)
						.int32(partitions)
						.array(undefined, () => {}),
				)
				.int32(timeoutMs)
				.boolean(false),
		read: (from) => readResult(from, true),
	};
}

export function deleteTopicRequest(name: string, timeoutMs: number): WireRequest<TopicResult> {
	return {
		name: "DeleteTopics",
		apiKey: 20,
		version: 3,
		write: (to) => to.array([name], (topic) => to.string(topic)).int32(timeoutMs),
		read: (from) => readResult(from, false),
	};
}

function readResult(from: ByteReader, explained: boolean): TopicResult {
	from.int32();
	const [result] = from.array(() => {
		from.string();
		return { errorCode: from.int16(), told: explained ? from.nullableString() : undefined };
	});
	return result ?? { errorCode: -1, told: undefined };
}

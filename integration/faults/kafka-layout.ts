// Who leads which partition, as one of the brokers says: Metadata 1, on the adapter's own connections.
import type { Broker } from "@polylog/core";
import type { KafkaNative, WireRequest } from "@polylog/kafka";
import { KAFKA_SETTINGS } from "../src/brokers/kafka-settings.ts";

interface PartitionLayout {
	readonly topic: string;
	readonly index: number;
	readonly leader: number;
	readonly replicas: readonly number[];
	readonly inSync: readonly number[];
}

/** Of all topics if none are named. */
export async function kafkaLayout(client: Broker, node: number, topics?: readonly string[]): Promise<PartitionLayout[]> {
	return await client.native<KafkaNative>().send(metadata(topics), node);
}

/** Every replica of every partition is in step, and there are so many of each. */
export const inStep =
	(replicas: number) =>
	(layout: readonly PartitionLayout[]): boolean =>
		layout.every(({ leader, inSync }) => leader > 0 && inSync.length === replicas);

/** Of the topic of committed offsets: its leader coordinates the group. */
export function coordinatorPartition(group: string): number {
	let hash = 0;
	for (const char of group) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) | 0;
	return (hash & 0x7fffffff) % Number(KAFKA_SETTINGS["offsets.topic.num.partitions"]);
}

function metadata(topics: readonly string[] | undefined): WireRequest<PartitionLayout[]> {
	return {
		name: "Metadata",
		apiKey: 3,
		version: 1,
		write: (to) => void to.array(topics, (name) => to.string(name)),
		read(from) {
			from.array(() => [from.int32(), from.string(), from.int32(), from.nullableString()]);
			from.int32();
			const found = from.array(() => {
				from.int16();
				const topic = from.string();
				from.boolean();
				return from.array(() => {
					from.int16();
					const [index, leader] = [from.int32(), from.int32()];
					return { topic, index, leader, replicas: from.array(() => from.int32()), inSync: from.array(() => from.int32()) };
				});
			});
			return found.flat();
		},
	};
}

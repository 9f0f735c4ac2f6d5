// Brokers, topics with their ids, and who leads which partition: Metadata 12.
import type { NodeAddress, WireRequest } from "../wire.ts";

export interface PartitionMetadata {
	readonly errorCode: number;
	readonly index: number;
	/** -1: none now. */
	readonly leader: number;
	readonly leaderEpoch: number;
	readonly replicas: readonly number[];
}

export interface TopicMetadata {
	readonly errorCode: number;
	readonly name: string;
	/** Hexadecimal; a topic made again has another one. */
	readonly id: string;
	readonly internal: boolean;
	/** By index. */
	readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
	readonly nodes: ReadonlyMap<number, NodeAddress>;
	readonly controller: number;
	readonly topics: readonly TopicMetadata[];
}

const NO_ID = Buffer.alloc(16);

/** All topics if none are named. */
export function metadataRequest(topics: readonly string[] | undefined): WireRequest<ClusterMetadata> {
	return {
		name: "Metadata",
		apiKey: 3,
		version: 12,
		flexible: true,
		write: (to) =>
			to
				.array(topics, (name) => to.raw(NO_ID).string(name).tags())
				.boolean(false)
				.boolean(false)
				.tags(),
		read(from) {
			from.int32();
			const nodes = new Map(
				from.array((): [number, NodeAddress] => {
					const id = from.int32();
					const address = { host: from.string(), port: from.int32() };
					from.nullableString();
					from.tags();
					return [id, address];
				}),
			);
			from.nullableString();
			const controller = from.int32();
			const found = from.array(() => {
				const errorCode = from.int16();
				const name = from.string();
				const id = from.raw(16).toString("hex");
				const internal = from.boolean();
				const partitions = from.array((): PartitionMetadata => {
					const head = { errorCode: from.int16(), index: from.int32(), leader: from.int32(), leaderEpoch: from.int32() };
					const replicas = from.array(() => from.int32());
					from.array(() => from.int32());
					from.array(() => from.int32());
					from.tags();
					return { ...head, replicas };
				});
				from.int32();
				from.tags();
				return { errorCode, name, id, internal, partitions: partitions.sort((a, b) => a.index - b.index) };
			});
			return { nodes, controller, topics: found };
		},
	};
}

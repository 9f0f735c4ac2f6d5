// Appending: Produce 8, and the ids it recognizes repeats by: InitProducerId 1.
import { check } from "../error-codes.ts";
import type { WireRequest } from "../wire.ts";

export interface ProducePartition {
	readonly topic: string;
	readonly index: number;
	/** One record batch. */
	readonly batch: Buffer;
}

export interface ProducedPartition {
	readonly topic: string;
	readonly index: number;
	readonly errorCode: number;
	/** Of the batch's first record; -1 where the broker does not know it any more. */
	readonly baseOffset: bigint;
	readonly told: string | undefined;
}

/** Acknowledged by all replicas in sync. */
export function produceRequest(batches: readonly ProducePartition[], timeoutMs: number): WireRequest<readonly ProducedPartition[]> {
	const topics = [...Map.groupBy(batches, ({ topic }) => topic)];
	return {
		name: "Produce",
		apiKey: 0,
		version: 8,
		write(to) {
			to.string(undefined).int16(-1).int32(timeoutMs);
			to.array(topics, ([topic, parts]) => to.string(topic).array(parts, ({ index, batch }) => to.int32(index).bytes(batch)));
		},
		read: (from) =>
			from
				.array(() => {
					const topic = from.string();
					return from.array((): ProducedPartition => {
						const index = from.int32();
						const errorCode = from.int16();
						const baseOffset = from.int64();
						from.raw(16);
						from.array(() => [from.int32(), from.nullableString()]);
						return { topic, index, errorCode, baseOffset, told: from.nullableString() };
					});
				})
				.flat(),
	};
}

export interface ProducerId {
	readonly id: bigint;
	readonly epoch: number;
}

export function initProducerIdRequest(): WireRequest<ProducerId> {
	return {
		name: "InitProducerId",
		apiKey: 22,
		version: 1,
		write: (to) => to.string(undefined).int32(60_000),
		read(from) {
			from.int32();
			check(from.int16(), "getting a producer id");
			return { id: from.int64(), epoch: from.int16() };
		},
	};
}

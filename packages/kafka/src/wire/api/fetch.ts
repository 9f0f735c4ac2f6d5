// Reading by topic id: Fetch 13. A topic made again has another id, so its records can never be taken for the old one's;
// and the epoch of the last record read lets the broker say whether the log was cut back since.
import type { WireRequest } from "../wire.ts";

export interface FetchPartition {
	readonly topicId: string;
	readonly index: number;
	readonly leaderEpoch: number;
	readonly offset: bigint;
	/** The leader's epoch when the last record read was appended; -1: none was read. */
	readonly lastEpoch: number;
	readonly maxBytes: number;
}

export interface FetchOptions {
	readonly maxWaitMs: number;
	readonly maxBytes: number;
	readonly committedOnly: boolean;
}

export interface FetchedPartition {
	readonly topicId: string;
	readonly index: number;
	readonly errorCode: number;
	/** The log was cut back below the offset asked for: it ends at this one for what was read. */
	readonly divergesAt: bigint | undefined;
	/** Aborted transactions among the records. */
	readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
	/** Record batches as they are in the log; the last one may be cut off. */
	readonly records: Buffer | undefined;
}

export interface FetchAnswer {
	readonly errorCode: number;
	readonly partitions: readonly FetchedPartition[];
}

export function fetchRequest(
	partitions: readonly FetchPartition[],
	{ maxWaitMs, maxBytes, committedOnly }: FetchOptions,
): WireRequest<FetchAnswer> {
	const topics = [...Map.groupBy(partitions, ({ topicId }) => topicId)];
	return {
		name: "Fetch",
		apiKey: 1,
		version: 13,
		flexible: true,
		holdMs: maxWaitMs,
		write(to) {
			to.int32(-1)
				.int32(maxWaitMs)
				.int32(1)
				.int32(maxBytes)
				.int8(committedOnly ? 1 : 0);
			// No fetch session: what is read changes with every request.
			to.int32(0).int32(-1);
			to.array(topics, ([id, parts]) => {
				to.raw(Buffer.from(id, "hex"));
				to.array(parts, (part) =>
					to.int32(part.index).int32(part.leaderEpoch).int64(part.offset).int32(part.lastEpoch).int64(-1n).int32(part.maxBytes).tags(),
				).tags();
			});
			to.array([], () => {})
				.string("")
				.tags();
		},
		read(from) {
			from.int32();
			const errorCode = from.int16();
			from.int32();
			const found = from.array(() => {
				const topicId = from.raw(16).toString("hex");
				const parts = from.array((): FetchedPartition => {
					const index = from.int32();
					const partitionError = from.int16();
					from.raw(24);
					const aborted = from.array(() => {
						const transaction = { producerId: from.int64(), firstOffset: from.int64() };
						from.tags();
						return transaction;
					});
					from.int32();
					const records = from.nullableBytes();
					let divergesAt: bigint | undefined;
					from.tags((tag, value) => {
						if (tag !== 0) return;
						const epoch = value.int32();
						const end = value.int64();
						if (epoch >= 0 || end >= 0n) divergesAt = end;
					});
					return { topicId, index, errorCode: partitionError, divergesAt, aborted, records };
				});
				from.tags();
				return parts;
			});
			return { errorCode, partitions: found.flat() };
		},
	};
}

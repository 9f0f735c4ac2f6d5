// Where logs begin and end: ListOffsets 5.
import type { WireRequest } from "../wire.ts";

/** Asks for the end, and the beginning, instead of a time. */
export const LATEST = -1n;
export const EARLIEST = -2n;

export interface OffsetQuery {
	readonly topic: string;
	readonly index: number;
	readonly timestamp: bigint;
}

export interface OffsetAnswer {
	readonly topic: string;
	readonly index: number;
	readonly errorCode: number;
	/** -1: there is no record at or after the time. */
	readonly offset: bigint;
}

export function listOffsetsRequest(queries: readonly OffsetQuery[], committedOnly: boolean): WireRequest<readonly OffsetAnswer[]> {
	const topics = [...Map.groupBy(queries, ({ topic }) => topic)];
	return {
		name: "ListOffsets",
		apiKey: 2,
		version: 5,
		write(to) {
			to.int32(-1).int8(committedOnly ? 1 : 0);
			to.array(topics, ([topic, parts]) =>
				to.string(topic).array(parts, ({ index, timestamp }) => to.int32(index).int32(-1).int64(timestamp)),
			);
		},
		read(from) {
			from.int32();
			const found = from.array(() => {
				const topic = from.string();
				return from.array((): OffsetAnswer => {
					const index = from.int32();
					const errorCode = from.int16();
					from.int64();
					const offset = from.int64();
					from.int32();
					return { topic, index, errorCode, offset };
				});
			});
			return found.flat();
		},
	};
}

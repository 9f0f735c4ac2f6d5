// What a group has processed: OffsetCommit 7, OffsetFetch 5.
import type { WireRequest } from "../wire.ts";
import type { Membership } from "./membership.ts";

export interface CommitItem {
	readonly topic: string;
	readonly index: number;
	readonly offset: bigint;
	readonly metadata: string;
}

export interface CommitAnswer {
	readonly topic: string;
	readonly index: number;
	readonly errorCode: number;
}

export function offsetCommitRequest(
	{ group, memberId, instanceId, generation }: Membership,
	items: readonly CommitItem[],
): WireRequest<readonly CommitAnswer[]> {
	const topics = [...Map.groupBy(items, ({ topic }) => topic)];
	return {
		name: "OffsetCommit",
		apiKey: 8,
		version: 7,
		write(to) {
			to.string(group).int32(generation).string(memberId).string(instanceId);
			to.array(topics, ([topic, parts]) =>
				to.string(topic).array(parts, ({ index, offset, metadata }) => to.int32(index).int64(offset).int32(-1).string(metadata)),
			);
		},
		read(from) {
			from.int32();
			return from
				.array(() => {
					const topic = from.string();
					return from.array((): CommitAnswer => ({ topic, index: from.int32(), errorCode: from.int16() }));
				})
				.flat();
		},
	};
}

export interface CommittedItem {
	readonly topic: string;
	readonly index: number;
	/** -1: nothing was committed. */
	readonly offset: bigint;
	readonly metadata: string | undefined;
	readonly errorCode: number;
}

export interface CommittedAnswer {
	readonly errorCode: number;
	readonly items: readonly CommittedItem[];
}

/** All that the group has if no partitions are named. */
export function offsetFetchRequest(
	group: string,
	partitions: readonly { readonly topic: string; readonly index: number }[] | undefined,
): WireRequest<CommittedAnswer> {
	const topics = partitions && [...Map.groupBy(partitions, ({ topic }) => topic)];
	return {
		name: "OffsetFetch",
		apiKey: 9,
		version: 5,
		write: (to) => to.string(group).array(topics, ([topic, parts]) => to.string(topic).array(parts, ({ index }) => to.int32(index))),
		read(from) {
			from.int32();
			const items = from.array(() => {
				const topic = from.string();
				return from.array((): CommittedItem => {
					const [index, offset] = [from.int32(), from.int64()];
					from.int32();
					return { topic, index, offset, metadata: from.nullableString(), errorCode: from.int16() };
				});
			});
			return { items: items.flat(), errorCode: from.int16() };
		},
	};
}

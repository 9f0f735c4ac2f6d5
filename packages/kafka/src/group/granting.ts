// Where the group stands in partitions that were just assigned, and the fences of their new ownership.
import { type Grant, type JoinRequest, type Partition, partitionKey } from "@polylog/core/driver";
import { type CommitItem, offsetFetchRequest } from "../wire/api/commits.ts";
import { check, ERROR } from "../wire/error-codes.ts";
import { decodeNote, encodeNote } from "./commit-note.ts";
import type { CommitPort } from "./commit-queue.ts";
import type { GroupContext } from "./context.ts";
import type { CoordinatorLink } from "./coordinator-link.ts";
import { nextFence } from "./fence.ts";

export interface GrantingParts {
	readonly context: GroupContext;
	readonly request: JoinRequest;
	readonly link: CoordinatorLink;
	readonly commits: CommitPort;
	readonly signal: AbortSignal;
}

/** One grant for each partition, in their order. */
export async function grantsFor(
	{ context, request, link, commits, signal }: GrantingParts,
	partitions: readonly Partition[],
	generation: number,
): Promise<Grant[]> {
	const { group, instanceId } = request;
	const { items, errorCode } = await link.send("group", offsetFetchRequest(group, partitions), { signal });
	link.moved(errorCode);
	check(errorCode, `reading the offsets of group ${group}`);
	const found = new Map(items.map((item) => [partitionKey(item), item]));
	const stamps: CommitItem[] = [];
	const grants = partitions.map((partition): Grant => {
		const item = found.get(partitionKey(partition));
		check(item?.errorCode ?? ERROR.none, `reading the offset of group ${group} in ${partitionKey(partition)}`);
		const note = decodeNote(item?.metadata);
		const fence = nextFence(note?.fence, generation, context.clock.wall());
		if (!item || item.offset < 0n) return { partition, fence, committed: undefined };
		// Whoever comes next must find this fence, where the generation alone does not raise it.
		if (!note || instanceId !== undefined) {
			stamps.push({ ...partition, offset: item.offset, metadata: encodeNote({ fence, last: note?.last }) });
		}
		return { partition, fence, committed: { offset: item.offset, last: note?.last } };
	});
	if (stamps.length > 0) await stamp(commits, link, stamps);
	return grants;
}

async function stamp(commits: CommitPort, link: CoordinatorLink, stamps: readonly CommitItem[]): Promise<void> {
	await commits.ready();
	for (const { topic, index, errorCode } of await commits.send(stamps)) {
		link.moved(errorCode);
		check(errorCode, `marking ${topic}/${index} as this member's`);
	}
}

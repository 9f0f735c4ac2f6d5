// What a commit of ours carries in Kafka's metadata field: the fence it was made under, and the digest of the last record
// processed, by which a topic that was made again is recognized.
import type { CommittedOffset } from "@polylog/core/driver";

const FORM = /^polylog1 ([0-9a-f]+)(?: (\d+) (\S+))?$/;

export interface CommitNote {
	readonly fence: bigint;
	readonly last: CommittedOffset["last"];
}

export function encodeNote({ fence, last }: CommitNote): string {
	return `polylog1 ${fence.toString(16)}${last ? ` ${last.offset} ${last.digest}` : ""}`;
}

/** Undefined for a commit of somebody else. */
export function decodeNote(metadata: string | undefined): CommitNote | undefined {
	const [, fence, offset, digest] = FORM.exec(metadata ?? "") ?? [];
	if (fence === undefined) return undefined;
	return {
		fence: BigInt(`0x${fence}`),
		last: offset !== undefined && digest !== undefined ? { offset: BigInt(offset), digest } : undefined,
	};
}

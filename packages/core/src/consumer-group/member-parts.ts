import type { Topic } from "../api/topic.ts";
import type { Backend } from "../backend.ts";
import type { DeadLetterWriter } from "../delivery/dead-letter.ts";
import type { GroupSession, SessionListener } from "../driver/group-session.ts";
import type { PolylogError } from "../errors.ts";
import type { Position } from "../offset.ts";
import type { Partition } from "../partition.ts";

/** What a member needs of its group. */
export interface MemberParts<T> {
	readonly backend: Backend;
	readonly group: string;
	readonly from: Position;
	readonly onOutOfRange: "fail" | "earliest" | "latest";
	/** The definition of the partition's topic. */
	readonly topic: (partition: Partition) => Topic<T>;
	readonly deadLetters: DeadLetterWriter;
	/** Joins by the coordinator. */
	readonly join: (listener: SessionListener, signal?: AbortSignal) => Promise<GroupSession>;
	/** The error for using a member that is closed. */
	readonly closed: () => PolylogError;
	/** The member has ended, in whatever way. */
	readonly onEnd: (member: { close(): Promise<void>; destroy(): void }) => void;
}

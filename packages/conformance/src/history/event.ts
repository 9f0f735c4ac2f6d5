// The history of a run: what was sent, delivered and committed, by whom and when. Partitions are `topic/index`.

export type HistoryEvent =
	| SentEvent
	| StartedEvent
	| EndedHandlerEvent
	| OwnershipEvent
	| CommittedEvent
	| ObservedEvent
	| MoveEvent
	| {
			/** Retention removed what is below. */
			readonly kind: "truncated";
			readonly at: number;
			readonly partition: string;
			readonly below: bigint;
	  }
	| {
			readonly kind: "ended";
			readonly at: number;
			readonly member: string;
			/** Anything but `closed` excuses what an unclean end may cost from here on: repeats, and commits told late. */
			readonly how: "closed" | "killed" | "failed";
			readonly reason?: string;
	  }
	| {
			/** All faults are over: from here on what waits has to move. */
			readonly kind: "healed";
			readonly at: number;
	  }
	| { readonly kind: "note"; readonly at: number; readonly member: string; readonly what: string; readonly detail?: string };

/** What became of a message. Its id is its value, so to speak: unique in a history. */
export interface SentEvent {
	readonly kind: "sent";
	/** Of the receipt. */
	readonly at: number;
	readonly producer: string;
	readonly id: string;
	readonly status: "ok" | "failed" | "unknown";
	readonly partition?: string;
	readonly offset?: bigint;
	/** Rises with the producer's calls. Default: the order of the events. */
	readonly order?: number;
}

/** Where a member stands in a group's view of a partition. */
interface Place {
	readonly at: number;
	readonly member: string;
	/** Default: the only one. */
	readonly group?: string;
	readonly partition: string;
	readonly offset: bigint;
}

/** A handler was called. */
export interface StartedEvent extends Place {
	readonly kind: "started";
	readonly fence: bigint;
	readonly id: string;
	readonly key?: string | undefined;
	readonly attempt: number;
	/** Those with the same number were handed out together. */
	readonly batch?: number;
}

/** A handler resolved, or threw. */
export interface EndedHandlerEvent extends Place {
	readonly kind: "finished" | "failed";
	readonly fence: bigint;
	/** The failure policy may dispose of the record, so that a commit may pass it. */
	readonly disposable?: boolean;
}

export interface OwnershipEvent {
	readonly kind: "assigned" | "revoked" | "lost";
	readonly at: number;
	readonly member: string;
	readonly group?: string;
	readonly partitions: readonly string[];
}

/** A commit was accepted; `offset` is the next one to process. */
export interface CommittedEvent extends Place {
	readonly kind: "committed";
	readonly fence?: bigint;
	/** When it was asked for, if that is known: then nobody's late telling excuses it. */
	readonly asked?: number;
}

/** What somebody was told of the group's place who asked the broker for it. */
export interface ObservedEvent {
	readonly kind: "observed";
	/** Of the answer. */
	readonly at: number;
	readonly asked: number;
	readonly group?: string;
	readonly partition: string;
	/** `undefined`: never committed. */
	readonly committed?: bigint | undefined;
	readonly lag?: bigint | undefined;
}

/** The group is moved on purpose: repeats, skips and commits backwards are no violation between the two and right after. */
export interface MoveEvent {
	readonly kind: "moving" | "moved";
	readonly at: number;
	readonly group?: string;
	/** `policy`: out of range, where the application chose to go on. `forgotten`: the group was deleted. */
	readonly by: "seek" | "reset" | "policy" | "forgotten";
	/** Default: all. */
	readonly partitions?: readonly string[];
}

/** One line of JSON: how a process of its own tells its history. */
export function eventLine(event: HistoryEvent): string {
	return JSON.stringify(event, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

const BIG = new Set(["offset", "fence", "committed", "lag", "below"]);

/** The reverse of `eventLine`. */
export function parseEventLine(line: string): HistoryEvent {
	return JSON.parse(line, (key, value: unknown) => (BIG.has(key) && typeof value === "string" ? BigInt(value) : value)) as HistoryEvent;
}

/** The events of a file of lines; a last line that a kill cut off is left out. */
export function parseHistory(text: string): HistoryEvent[] {
	const lines = text.split("\n");
	return lines
		.slice(0, -1)
		.filter((line) => line !== "")
		.map(parseEventLine);
}

/** The histories of several processes as one. */
export function mergeHistories(...histories: readonly (readonly HistoryEvent[])[]): HistoryEvent[] {
	return histories.flat().toSorted((a, b) => a.at - b.at);
}

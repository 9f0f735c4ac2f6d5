// The history of a run: what was sent, delivered and committed, by whom and when.

export type HistoryEvent =
	| {
			readonly kind: "sent";
			readonly at: number;
			readonly producer: string;
			readonly id: string;
			readonly status: "ok" | "failed" | "unknown";
			readonly partition?: string;
			readonly offset?: bigint;
	  }
	| StartedEvent
	| {
			/** A handler resolved, or threw. */
			readonly kind: "finished" | "failed";
			readonly at: number;
			readonly member: string;
			readonly partition: string;
			readonly offset: bigint;
			readonly fence: bigint;
	  }
	| { readonly kind: "assigned" | "revoked" | "lost"; readonly at: number; readonly member: string; readonly partitions: readonly string[] }
	| CommittedEvent
	| {
			readonly kind: "ended";
			readonly at: number;
			readonly member: string;
			readonly how: "closed" | "killed" | "failed";
			readonly reason?: string;
	  }
	| { readonly kind: "note"; readonly at: number; readonly member: string; readonly what: string; readonly detail?: string };

/** A handler was called. */
export interface StartedEvent {
	readonly kind: "started";
	readonly at: number;
	readonly member: string;
	readonly partition: string;
	readonly offset: bigint;
	readonly fence: bigint;
	readonly id: string;
	readonly key?: string | undefined;
	readonly attempt: number;
}

/** A commit was accepted; `offset` is the next one to process. */
export interface CommittedEvent {
	readonly kind: "committed";
	readonly at: number;
	readonly member: string;
	readonly partition: string;
	readonly offset: bigint;
}

/** One line of JSON: how a process of its own tells its history. */
export function eventLine(event: HistoryEvent): string {
	return JSON.stringify(event, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

const BIG = new Set(["offset", "fence"]);

/** The reverse of `eventLine`. */
export function parseEventLine(line: string): HistoryEvent {
	return JSON.parse(line, (key, value: unknown) => (BIG.has(key) && typeof value === "string" ? BigInt(value) : value)) as HistoryEvent;
}

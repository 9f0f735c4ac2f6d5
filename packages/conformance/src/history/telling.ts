// Histories told by hand, for tests: one partition, and a clock that moves by one millisecond with each event.
import type { HistoryEvent } from "./event.ts";

let clock = 0;
export const P = "t/0";

export const sent = (id: string, offset?: bigint, more: { status?: "failed" | "unknown"; order?: number } = {}): HistoryEvent => ({
	kind: "sent",
	at: ++clock,
	producer: "p",
	id,
	status: "ok",
	partition: P,
	...(offset === undefined ? {} : { offset }),
	...more,
});

export const started = (
	member: string,
	offset: bigint,
	fence: bigint,
	more: { id?: string; attempt?: number; key?: string; batch?: number } = {},
): HistoryEvent => ({ kind: "started", at: ++clock, member, partition: P, offset, fence, id: `${offset}`, attempt: 1, ...more });

export const finished = (member: string, offset: bigint, fence: bigint): HistoryEvent => ({
	kind: "finished",
	at: ++clock,
	member,
	partition: P,
	offset,
	fence,
});

/** Started and finished. */
export const handled = (member: string, offset: bigint, fence: bigint): HistoryEvent[] => [
	started(member, offset, fence),
	finished(member, offset, fence),
];

export const failed = (member: string, offset: bigint, fence: bigint, disposable: boolean): HistoryEvent => ({
	kind: "failed",
	at: ++clock,
	member,
	partition: P,
	offset,
	fence,
	disposable,
});

export const committed = (member: string, offset: bigint, more: { fence?: bigint; asked?: "now" } = {}): HistoryEvent => {
	const at = ++clock;
	const { fence } = more;
	const asked = more.asked === "now" ? { asked: at } : {};
	return { kind: "committed", at, member, partition: P, offset, ...asked, ...(fence === undefined ? {} : { fence }) };
};

export const observed = (offset: bigint | undefined, more: { lag?: bigint } = {}): HistoryEvent => {
	const asked = ++clock;
	return { kind: "observed", asked, at: ++clock, partition: P, committed: offset, ...more };
};

export const moved = (kind: "assigned" | "revoked" | "lost", member: string): HistoryEvent => ({
	kind,
	at: ++clock,
	member,
	partitions: [P],
});
export const killed = (member: string): HistoryEvent => ({ kind: "ended", at: ++clock, member, how: "killed" });

/** The group is moved on purpose. */
export const sought = (): HistoryEvent[] => [
	{ kind: "moving", at: ++clock, by: "seek", partitions: [P] },
	{ kind: "moved", at: ++clock, by: "seek", partitions: [P] },
];

export const truncated = (below: bigint): HistoryEvent => ({ kind: "truncated", at: ++clock, partition: P, below });
export const healed = (): HistoryEvent => ({ kind: "healed", at: ++clock });

/** Nothing happens for so long. */
export const quiet = (ms: number): HistoryEvent => ({ kind: "note", at: (clock += ms), member: "", what: "quiet" });

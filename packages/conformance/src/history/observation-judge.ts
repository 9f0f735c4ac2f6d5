// Judges what the broker tells of a group: against what was promised to its members, and against the log.
import type { HistoryEvent, MoveEvent, ObservedEvent } from "./event.ts";
import { type HistoryRules, type Judge, laneOf, Made } from "./judge.ts";
import type { Accuse } from "./violation.ts";

/** A lower bound of what every later reader has to see, from `at` on. */
interface Bound {
	readonly offset: bigint;
	readonly at: number;
}

interface Lane {
	readonly partition: string;
	/** Accepted commits, rising. */
	readonly promised: Bound[];
	/** The highest that was seen. */
	seen: Bound | undefined;
	moving: boolean;
	/** After a move the place may go back once more: a commit from before it may still be told meanwhile. */
	mayRewind: boolean;
}

export class ObservationJudge implements Judge {
	readonly #accuse: Accuse;
	readonly #skew: number;
	readonly #lanes = new Map<string, Lane>();
	readonly #sent = new Made<string, Bound[]>(() => []);
	readonly #truncated = new Set<string>();

	constructor(accuse: Accuse, { skewMs = 0 }: HistoryRules) {
		this.#accuse = accuse;
		this.#skew = skewMs;
	}

	take(event: HistoryEvent): void {
		if (event.kind === "sent") {
			const { status, partition, offset, at } = event;
			if (status === "ok" && partition !== undefined && offset !== undefined) this.#sent.of(partition).push({ offset, at });
		} else if (event.kind === "truncated") this.#truncated.add(event.partition);
		else if (event.kind === "committed") {
			const lane = this.#lane(event);
			this.#rewind(lane, event.offset);
			const highest = lane.promised.at(-1);
			if (highest === undefined || event.offset > highest.offset) lane.promised.push({ offset: event.offset, at: event.at });
		} else if (event.kind === "observed") this.#observe(event, this.#lane(event));
		else if (event.kind === "moving" || event.kind === "moved") this.#move(event);
	}

	end(): void {}

	#move(event: MoveEvent): void {
		// Also those that nothing was heard of yet.
		for (const partition of event.partitions ?? []) this.#lane({ ...event, partition });
		for (const [key, lane] of this.#lanes) {
			if (key !== laneOf({ ...event, partition: lane.partition }) || event.partitions?.includes(lane.partition) === false) continue;
			lane.promised.length = 0;
			lane.seen = undefined;
			lane.moving = event.kind === "moving";
			lane.mayRewind = true;
		}
	}

	#lane(event: { readonly group?: string; readonly partition: string }): Lane {
		const known = this.#lanes.get(laneOf(event));
		if (known) return known;
		const made: Lane = { partition: event.partition, promised: [], seen: undefined, moving: false, mayRewind: false };
		this.#lanes.set(laneOf(event), made);
		return made;
	}

	#observe(event: ObservedEvent, lane: Lane): void {
		if (lane.moving) return;
		const { committed, partition, asked } = event;
		const since = asked - this.#skew;
		if (committed !== undefined) this.#rewind(lane, committed);
		const promised = lane.promised.findLast(({ at }) => at < since);
		const seen = committed === undefined ? "nothing" : `${committed}`;
		if (promised && (committed === undefined || committed < promised.offset))
			this.#accuse("ack-lied", partition, `${promised.offset} was committed, and a later reader saw ${seen}`);
		else if (lane.seen && lane.seen.at < since && (committed === undefined || committed < lane.seen.offset))
			this.#accuse("commit-regression", partition, `a reader saw ${lane.seen.offset}, and a later one ${seen}`);
		if (committed !== undefined && (lane.seen === undefined || committed > lane.seen.offset))
			lane.seen = { offset: committed, at: event.at };
		this.#judgeLag(event, since);
	}

	#rewind(lane: Lane, offset: bigint): void {
		const behind = [lane.promised.at(-1), lane.seen].some((bound) => bound !== undefined && offset < bound.offset);
		if (!lane.mayRewind || !behind) return;
		lane.promised.length = 0;
		lane.seen = undefined;
		lane.mayRewind = false;
	}

	#judgeLag({ lag, committed, partition }: ObservedEvent, since: number): void {
		if (lag === undefined) return;
		if (lag < 0n) return this.#accuse("lag-negative", partition, `a lag of ${lag} was told`);
		if (committed === undefined || this.#truncated.has(partition)) return;
		const waiting = this.#sent.of(partition).filter(({ offset, at }) => offset >= committed && at < since).length;
		if (lag < waiting)
			this.#accuse("lag-negative", partition, `a lag of ${lag} was told, and at least ${waiting} messages wait from ${committed} on`);
	}
}

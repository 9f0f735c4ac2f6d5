// Judges commits: who may make them, what they may cover, and whether what was promised is what others see.
import type { Endings } from "./endings.ts";
import type { CommittedEvent, HistoryEvent, MoveEvent, ObservedEvent, StartedEvent } from "./event.ts";
import { type HistoryRules, type Judge, laneOf, Made, placeOf } from "./judge.ts";
import type { Accuse } from "./violation.ts";

interface Lane {
	readonly partition: string;
	fence: bigint;
	fenceAt: number;
	owner: string | undefined;
	committed: bigint | undefined;
	committedAt: number;
	/** Offsets below are of no concern to this group, since it began or was moved there. */
	first: bigint | undefined;
	/** Started, and neither finished nor disposed of. */
	readonly inHand: Set<bigint>;
	readonly done: Set<bigint>;
	readonly started: Set<bigint>;
	moving: boolean;
	/** After a move one commit may go backwards: one from before it may still be told meanwhile. */
	mayRewind: boolean;
}

export class CommitJudge implements Judge {
	readonly #accuse: Accuse;
	readonly #endings: Endings;
	readonly #skew: number;
	readonly #lanes = new Map<string, Lane>();
	/** Acknowledged records of each partition, by offset. */
	readonly #sent = new Made<string, Map<bigint, string>>(() => new Map());

	constructor(accuse: Accuse, { skewMs = 0 }: HistoryRules, endings: Endings) {
		this.#accuse = accuse;
		this.#skew = skewMs;
		this.#endings = endings;
	}

	take(event: HistoryEvent): void {
		if (event.kind === "sent") {
			const { id, status, partition, offset } = event;
			if (status === "ok" && partition !== undefined && offset !== undefined) this.#sent.of(partition).set(offset, id);
		} else if (event.kind === "started") this.#start(event);
		else if (event.kind === "finished" || (event.kind === "failed" && event.disposable)) {
			const lane = this.#lane(event);
			lane.inHand.delete(event.offset);
			lane.done.add(event.offset);
		} else if (event.kind === "committed") this.#commit(event, this.#lane(event));
		else if (event.kind === "observed") this.#observe(event, this.#lane(event));
		else if (event.kind === "moving" || event.kind === "moved") this.#move(event);
	}

	end(): void {}

	#move(event: MoveEvent): void {
		// Also those that nothing was heard of yet.
		for (const partition of event.partitions ?? []) this.#lane({ ...event, partition });
		for (const [key, lane] of this.#lanes) {
			if (key !== laneOf({ ...event, partition: lane.partition }) || event.partitions?.includes(lane.partition) === false) continue;
			lane.committed = undefined;
			lane.first = undefined;
			lane.moving = event.kind === "moving";
			lane.mayRewind = true;
		}
	}

	#lane(event: { readonly group?: string; readonly partition: string }): Lane {
		const known = this.#lanes.get(laneOf(event));
		if (known) return known;
		const made: Lane = {
			partition: event.partition,
			fence: -1n,
			fenceAt: 0,
			owner: undefined,
			committed: undefined,
			committedAt: 0,
			first: undefined,
			inHand: new Set(),
			done: new Set(),
			started: new Set(),
			moving: false,
			mayRewind: false,
		};
		this.#lanes.set(laneOf(event), made);
		return made;
	}

	#start(event: StartedEvent): void {
		const lane = this.#lane(event);
		if (event.fence > lane.fence) {
			lane.fence = event.fence;
			lane.fenceAt = event.at;
			lane.owner = event.member;
		}
		if (lane.first === undefined || event.offset < lane.first) lane.first = event.offset;
		lane.started.add(event.offset);
		if (!lane.done.has(event.offset)) lane.inHand.add(event.offset);
	}

	#commit(event: CommittedEvent, lane: Lane): void {
		// A process that was stopped tells of what was accepted before, when it goes on: late, and no violation.
		const late = event.asked === undefined && this.#endings.unclean(event.member, event.partition);
		const since = event.asked ?? event.at;
		const movedOn = event.fence === undefined ? lane.owner !== undefined && lane.owner !== event.member : event.fence < lane.fence;
		if (movedOn && !late && since > lane.fenceAt + this.#skew) {
			this.#accuse("stale-commit-accepted", placeOf(event), `${event.member} committed it, after ${lane.owner} had become the owner`);
			return;
		}
		const backwards = !lane.moving && lane.committed !== undefined && event.offset < lane.committed;
		if (backwards && !lane.mayRewind && !late && since > lane.committedAt + this.#skew)
			this.#accuse("commit-regression", placeOf(event), `${event.member} committed it after ${lane.committed}`);
		this.#judgeCover(event, lane);
		if (lane.committed === undefined || event.offset > lane.committed || (backwards && lane.mayRewind)) {
			if (backwards) lane.mayRewind = false;
			lane.committed = event.offset;
			lane.committedAt = event.at;
		}
	}

	/** What somebody is told of the group's place may cover no more than a commit may. Clocks that differ decide nothing. */
	#observe({ partition, committed }: ObservedEvent, lane: Lane): void {
		// After a move the place of before it may still be told, until a commit.
		if (committed === undefined || lane.moving || lane.mayRewind || this.#skew > 0) return;
		this.#judgeCover({ member: "the group", partition, offset: committed }, lane);
	}

	#judgeCover(event: Pick<CommittedEvent, "member" | "partition" | "offset">, lane: Lane): void {
		const { member, partition } = event;
		for (const offset of lane.inHand)
			if (offset < event.offset)
				this.#accuse(
					"commit-beyond-position",
					placeOf({ partition, offset }),
					`${member} committed ${event.offset}, and it was not handled yet`,
				);
		if (lane.first === undefined) return;
		for (const [offset, id] of this.#sent.of(partition))
			if (offset < event.offset && offset >= lane.first && !lane.started.has(offset))
				this.#accuse(
					"commit-beyond-position",
					placeOf({ partition, offset }),
					`${member} committed ${event.offset}, and ${id} was never delivered`,
				);
	}
}

// Judges ownership: at any time one member has a partition, and a handler starts only for its owner.
import type { Endings } from "./endings.ts";
import type { HistoryEvent, OwnershipEvent, StartedEvent } from "./event.ts";
import { type HistoryRules, type Judge, laneOf, Made, placeOf } from "./judge.ts";
import type { Accuse } from "./violation.ts";

interface Ownership {
	fence: bigint;
	fenceAt: number;
	owner: string | undefined;
	/** By member and offset: its handler runs. */
	readonly running: Map<string, StartedEvent>;
}

export class OwnershipJudge implements Judge {
	ownerChanges = 0;
	readonly #accuse: Accuse;
	readonly #endings: Endings;
	readonly #skew: number;
	readonly #lanes = new Made<string, Ownership>(() => ({ fence: -1n, fenceAt: 0, owner: undefined, running: new Map() }));
	/** By member, group and partition: when it was given up. */
	readonly #gone = new Map<string, number>();

	constructor(accuse: Accuse, { skewMs = 0 }: HistoryRules, endings: Endings) {
		this.#accuse = accuse;
		this.#skew = skewMs;
		this.#endings = endings;
	}

	take(event: HistoryEvent): void {
		if (event.kind === "started") this.#start(event);
		else if (event.kind === "finished" || event.kind === "failed")
			this.#lanes.of(laneOf(event)).running.delete(`${event.member}@${event.offset}`);
		else if (event.kind === "assigned" || event.kind === "revoked" || event.kind === "lost") this.#move(event);
	}

	end(): void {}

	#move(event: OwnershipEvent): void {
		for (const partition of event.partitions) {
			const place = `${event.member}|${laneOf({ ...event, partition })}`;
			if (event.kind === "assigned") this.#gone.delete(place);
			else this.#gone.set(place, event.at);
		}
	}

	#start(event: StartedEvent): void {
		const lane = this.#lanes.of(laneOf(event));
		const { member, fence, partition } = event;
		if (fence < lane.fence && event.at > lane.fenceAt + this.#skew)
			this.#accuse(
				"double-owner",
				placeOf(event),
				`${member} started it under fence ${fence}, after ${lane.owner} had started under ${lane.fence}`,
			);
		if (fence === lane.fence && lane.owner !== member)
			this.#accuse("double-owner", placeOf(event), `${member} and ${lane.owner} both hold fence ${fence}`);
		if (fence > lane.fence) this.#change(event, lane);
		lane.running.set(`${member}@${event.offset}`, event);
		const gone = this.#gone.get(`${member}|${laneOf(event)}`);
		if (gone !== undefined && event.at > gone + this.#skew)
			this.#accuse("handler-after-revoke", placeOf(event), `${member} started it after it had given ${partition} up`);
	}

	#change(event: StartedEvent, lane: Ownership): void {
		if (lane.owner !== undefined) this.ownerChanges++;
		for (const running of lane.running.values()) {
			const excused = this.#endings.unclean(running.member, event.partition);
			if (!excused && event.at > running.at + this.#skew)
				this.#accuse("double-owner", placeOf(event), `${event.member} started it while ${running.member} was handling ${running.offset}`);
		}
		lane.running.clear();
		lane.fence = event.fence;
		lane.fenceAt = event.at;
		lane.owner = event.member;
	}
}

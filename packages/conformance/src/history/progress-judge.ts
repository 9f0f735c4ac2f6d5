// Judges that a group moves: after all faults are over, what waits is handled.
import type { HistoryEvent } from "./event.ts";
import { type HistoryRules, type Judge, Made } from "./judge.ts";
import type { Accuse } from "./violation.ts";

interface Lane {
	/** Acknowledged and not handled by anybody. */
	readonly waiting: Set<bigint>;
	readonly done: Set<bigint>;
	/** Since when something waits and nothing has moved. */
	since: number;
}

export class ProgressJudge implements Judge {
	readonly #accuse: Accuse;
	readonly #limit: number;
	readonly #lanes = new Made<string, Lane>(() => ({ waiting: new Set(), done: new Set(), since: 0 }));
	#healedAt: number | undefined;
	#now = 0;

	constructor(accuse: Accuse, { progressMs = 4500 }: HistoryRules) {
		this.#accuse = accuse;
		this.#limit = progressMs;
	}

	take(event: HistoryEvent): void {
		this.#now = event.at;
		if (event.kind === "healed") {
			this.#healedAt = event.at;
			for (const lane of this.#lanes.values()) lane.since = event.at;
		} else if (event.kind === "sent" && event.status === "ok" && event.partition !== undefined && event.offset !== undefined) {
			const lane = this.#lanes.of(event.partition);
			if (lane.waiting.size === 0) lane.since = Math.max(event.at, this.#healedAt ?? 0);
			if (!lane.done.has(event.offset)) lane.waiting.add(event.offset);
		} else if (event.kind === "finished") {
			const lane = this.#lanes.of(event.partition);
			this.#judge(event.partition, lane);
			lane.done.add(event.offset);
			lane.waiting.delete(event.offset);
			lane.since = event.at;
		}
	}

	end(): void {
		for (const [partition, lane] of this.#lanes) this.#judge(partition, lane);
	}

	#judge(partition: string, lane: Lane): void {
		const stood = this.#now - lane.since;
		if (this.#healedAt === undefined || lane.waiting.size === 0 || stood <= this.#limit) return;
		this.#accuse("stuck-partition", partition, `${lane.waiting.size} messages waited for ${stood} ms, and nothing was handled`);
	}
}

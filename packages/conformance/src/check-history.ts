// Judges a history against the contract. Pure: the same events give the same verdict.
import type { CommittedEvent, HistoryEvent, StartedEvent } from "./history.ts";

export type ViolationKind =
	| "lost"
	| "never-sent"
	| "inconsistent-offset"
	| "stored-twice"
	| "producer-order"
	| "order"
	| "duplicate"
	| "double-owner"
	| "handler-after-revoke"
	| "fence-regression"
	| "commit-regression"
	| "early-commit"
	| "below-commit";

export interface Violation {
	readonly kind: ViolationKind;
	readonly detail: string;
}

export interface HistoryRules {
	/** Default "partition". */
	readonly order?: "partition" | "key";
	/** Whether everything sent has to have been handled by now. Default true. */
	readonly drained?: boolean;
	/** How far the clocks of two processes may be apart, in ms. Default 0: one process, one clock. */
	readonly skewMs?: number;
	/** Whether one sent message may be in the log twice (`unknown` receipts without de-duplication). Default false. */
	readonly mayStoreTwice?: boolean;
}

export interface Verdict {
	readonly violations: readonly Violation[];
	readonly delivered: number;
	readonly distinct: number;
	/** Deliveries of a record that was delivered before under another fence: allowed only after an unclean end. */
	readonly duplicates: number;
	readonly ownerChanges: number;
}

/** The order of the events counts: sort those of several processes by `at` first. */
export function checkHistory(events: readonly HistoryEvent[], rules: HistoryRules = {}): Verdict {
	const walk = new Walk(rules);
	for (const event of events) walk.take(event);
	walk.end();
	return { violations: walk.violations, ...walk.counts };
}

interface Lane {
	/** By fence: the last offset started, per order unit (the partition, or a key). */
	readonly last: Map<string, bigint>;
	readonly started: Map<bigint, StartedEvent>;
	readonly finished: Set<bigint>;
	readonly running: Map<string, StartedEvent>;
	fence: bigint;
	fenceAt: number;
	owner: string | undefined;
	committed: bigint | undefined;
	committedAt: number;
	/** Offsets below are of no concern to this history. */
	first: bigint | undefined;
}

class Walk {
	readonly violations: Violation[] = [];
	readonly counts = { delivered: 0, distinct: 0, duplicates: 0, ownerChanges: 0 };
	readonly #rules: HistoryRules;
	readonly #skew: number;
	readonly #lanes = new Map<string, Lane>();
	readonly #sent = new Map<string, Extract<HistoryEvent, { kind: "sent" }>>();
	readonly #sentOrder = new Map<string, number>();
	readonly #places = new Map<string, string>();
	readonly #ids = new Map<string, string>();
	readonly #producerLast = new Map<string, { order: number; offset: bigint }>();
	/** Members (or member|partition) that ended without handing over. */
	readonly #unclean = new Set<string>();
	readonly #gone = new Map<string, number>();

	constructor(rules: HistoryRules) {
		this.#rules = rules;
		this.#skew = rules.skewMs ?? 0;
	}

	take(event: HistoryEvent): void {
		if (event.kind === "sent") this.#take(event);
		else if (event.kind === "started") this.#start(event);
		else if (event.kind === "finished" || event.kind === "failed") this.#finish(event);
		else if (event.kind === "committed") this.#commit(event);
		else if (event.kind === "ended" && event.how !== "closed") this.#unclean.add(event.member);
		else if (event.kind === "lost" || event.kind === "revoked" || event.kind === "assigned") this.#move(event);
	}

	end(): void {
		if (this.#rules.drained === false) return;
		const handled = new Set<string>();
		for (const [partition, lane] of this.#lanes)
			for (const offset of lane.finished) handled.add(this.#places.get(`${partition}@${offset}`) ?? "");
		for (const sent of this.#sent.values())
			if (sent.status === "ok" && !handled.has(sent.id)) this.#report("lost", `${sent.id} was acknowledged and never handled`);
	}

	#report(kind: ViolationKind, detail: string): void {
		this.violations.push({ kind, detail });
	}

	#lane(partition: string): Lane {
		let lane = this.#lanes.get(partition);
		if (!lane) {
			lane = {
				last: new Map(),
				started: new Map(),
				finished: new Set(),
				running: new Map(),
				fence: -1n,
				fenceAt: 0,
				owner: undefined,
				committed: undefined,
				committedAt: 0,
				first: undefined,
			};
			this.#lanes.set(partition, lane);
		}
		return lane;
	}

	#take(event: Extract<HistoryEvent, { kind: "sent" }>): void {
		if (!this.#sent.has(event.id)) this.#sentOrder.set(event.id, this.#sentOrder.size);
		this.#sent.set(event.id, event);
	}

	#start(event: StartedEvent): void {
		const lane = this.#lane(event.partition);
		this.#place(event);
		this.#ownership(event, lane);
		this.#ordering(event, lane);
		const before = lane.started.get(event.offset);
		if (!before) {
			this.counts.distinct++;
			this.#producerOrder(event);
		}
		this.counts.delivered++;
		if (before && before.fence === event.fence && before.member === event.member) {
			if (event.attempt <= before.attempt) this.#report("duplicate", `${at(event)} was started twice under one fence`);
		} else if (before) {
			this.counts.duplicates++;
			const excused = this.#unclean.has(before.member) || this.#unclean.has(`${before.member}|${event.partition}`);
			if (!excused)
				this.#report("duplicate", `${at(event)} was delivered to ${before.member}, which handed over, and again to ${event.member}`);
		}
		if (lane.committed !== undefined && event.offset < lane.committed && event.at > lane.committedAt + this.#skew) {
			this.#report("below-commit", `${at(event)} was started after ${lane.committed} had been committed`);
		}
		if (lane.first === undefined || event.offset < lane.first) lane.first = event.offset;
		lane.started.set(event.offset, event);
		lane.running.set(`${event.member}@${event.offset}`, event);
	}

	/** One offset, one value; one value, one offset. */
	#place(event: StartedEvent): void {
		const place = `${event.partition}@${event.offset}`;
		const known = this.#places.get(place);
		if (known !== undefined && known !== event.id) this.#report("inconsistent-offset", `${place} was ${known} and is ${event.id}`);
		this.#places.set(place, event.id);
		const other = this.#ids.get(event.id);
		if (other !== undefined && other !== place && !this.#rules.mayStoreTwice)
			this.#report("stored-twice", `${event.id} is at ${other} and at ${place}`);
		if (other === undefined) this.#ids.set(event.id, place);
		const sent = this.#sent.get(event.id);
		if (sent?.status === "failed") this.#report("never-sent", `${event.id} failed to be sent, and is in the log`);
	}

	#producerOrder(event: StartedEvent): void {
		const sent = this.#sent.get(event.id);
		const order = this.#sentOrder.get(event.id);
		if (!sent || order === undefined || this.#rules.order === "key") return;
		const key = `${sent.producer}|${event.partition}`;
		const last = this.#producerLast.get(key);
		if (last && last.offset < event.offset && order < last.order)
			this.#report("producer-order", `${event.id} is stored behind a later message of ${sent.producer}`);
		if (!last || event.offset > last.offset) this.#producerLast.set(key, { order, offset: event.offset });
	}

	#ownership(event: StartedEvent, lane: Lane): void {
		if (event.fence < lane.fence && event.at > lane.fenceAt + this.#skew) {
			this.#report(
				"double-owner",
				`${at(event)} was started by ${event.member} under fence ${event.fence}, after ${lane.owner} had started under ${lane.fence}`,
			);
		}
		if (event.fence === lane.fence && lane.owner !== event.member)
			this.#report("double-owner", `${event.member} and ${lane.owner} both hold fence ${event.fence} of ${event.partition}`);
		if (event.fence > lane.fence) {
			if (lane.owner !== undefined) this.counts.ownerChanges++;
			this.#overlap(event, lane);
			lane.fence = event.fence;
			lane.fenceAt = event.at;
			lane.owner = event.member;
		}
		const gone = this.#gone.get(`${event.member}|${event.partition}`);
		if (gone !== undefined && event.at > gone + this.#skew)
			this.#report("handler-after-revoke", `${at(event)} was started by ${event.member} after it had given ${event.partition} up`);
	}

	#overlap(event: StartedEvent, lane: Lane): void {
		for (const running of lane.running.values()) {
			const excused = this.#unclean.has(running.member) || this.#unclean.has(`${running.member}|${event.partition}`);
			if (!excused && event.at > running.at + this.#skew)
				this.#report("double-owner", `${at(event)} was started by ${event.member} while ${running.member} was handling ${running.offset}`);
		}
		lane.running.clear();
	}

	#ordering(event: StartedEvent, lane: Lane): void {
		const unit = this.#rules.order === "key" ? `${event.fence}|${event.member}|${event.key ?? ""}` : `${event.fence}|${event.member}`;
		const last = lane.last.get(unit);
		if (last !== undefined && event.offset < last) this.#report("order", `${at(event)} was started after ${last}`);
		for (const running of lane.running.values()) {
			const unitOfRunning = this.#rules.order === "key" ? running.key === event.key : true;
			if (unitOfRunning && running.fence === event.fence && running.offset !== event.offset)
				this.#report("order", `${at(event)} was started while ${running.offset} was being handled`);
		}
		if (last === undefined || event.offset > last) lane.last.set(unit, event.offset);
	}

	#finish(event: Extract<HistoryEvent, { kind: "finished" | "failed" }>): void {
		const lane = this.#lane(event.partition);
		if (event.kind === "finished") lane.finished.add(event.offset);
		lane.running.delete(`${event.member}@${event.offset}`);
	}

	#commit(event: CommittedEvent): void {
		const lane = this.#lane(event.partition);
		// A process that was stopped tells of what was accepted before, when it goes on: late, and no regression.
		const late = this.#unclean.has(event.member) || this.#unclean.has(`${event.member}|${event.partition}`);
		if (!late && lane.committed !== undefined && event.offset < lane.committed && event.at > lane.committedAt + this.#skew) {
			this.#report("commit-regression", `${event.member} committed ${event.offset} of ${event.partition} after ${lane.committed}`);
		}
		for (const [offset] of lane.started) {
			if (offset < event.offset && !lane.finished.has(offset))
				this.#report("early-commit", `${event.member} committed ${event.offset} of ${event.partition}, and ${offset} was not handled yet`);
		}
		for (const [place, id] of this.#sentPlaces(event.partition)) {
			const skipped = place < event.offset && !lane.started.has(place) && lane.first !== undefined && place >= lane.first;
			if (skipped)
				this.#report(
					"early-commit",
					`${event.member} committed ${event.offset} of ${event.partition}, and ${id} at ${place} was never delivered`,
				);
		}
		if (lane.committed === undefined || event.offset > lane.committed) {
			lane.committed = event.offset;
			lane.committedAt = event.at;
		}
	}

	*#sentPlaces(partition: string): Iterable<readonly [bigint, string]> {
		for (const sent of this.#sent.values()) if (sent.partition === partition && sent.offset !== undefined) yield [sent.offset, sent.id];
	}

	#move(event: Extract<HistoryEvent, { kind: "assigned" | "revoked" | "lost" }>): void {
		for (const partition of event.partitions) {
			const place = `${event.member}|${partition}`;
			if (event.kind === "assigned") {
				this.#gone.delete(place);
			} else {
				this.#gone.set(place, event.at);
				if (event.kind === "lost") this.#unclean.add(place);
			}
		}
	}
}

function at(event: StartedEvent): string {
	return `${event.id} (${event.partition}@${event.offset})`;
}

// Judges what groups were handed: from where, in which order, how often, and whether it was everything.
import type { Endings } from "./endings.ts";
import type { HistoryEvent, MoveEvent, StartedEvent } from "./event.ts";
import { type HistoryRules, type Judge, laneOf, placeOf } from "./judge.ts";
import { KnownRecords } from "./known-records.ts";
import type { Accuse } from "./violation.ts";

/** What one owner was handed in one go: until the partition changes hands or is moved on purpose. */
interface Stretch {
	readonly fence: bigint;
	readonly member: string;
	/** Where the group stood as far as was told when it began. */
	readonly stood: bigint | undefined;
	readonly first: bigint;
	last: bigint;
	readonly started: Set<bigint>;
	/** By order unit (the partition, or a key): the last one started. */
	readonly lastOf: Map<string, bigint>;
	/** What had been handled before it began. */
	readonly before: ReadonlySet<bigint>;
}

interface Lane {
	readonly partition: string;
	readonly stretches: Stretch[];
	current: Stretch | undefined;
	/** Deliveries that count as a first one if they come again: cleared when the group is moved. */
	readonly delivered: Map<bigint, StartedEvent>;
	readonly ever: Set<bigint>;
	readonly finished: Set<bigint>;
	/** Failed or handed back under the present fence, and not disposed of; by offset, its order unit. They come again, in order. */
	readonly failed: Map<bigint, string>;
	readonly running: Map<string, StartedEvent>;
	committed: bigint | undefined;
	committedAt: number;
	moving: boolean;
	/** The group was moved: where the next stretch begins was chosen. */
	moved: boolean;
}

export class DeliveryJudge implements Judge {
	readonly counts = { delivered: 0, distinct: 0, duplicates: 0 };
	readonly #accuse: Accuse;
	readonly #endings: Endings;
	readonly #rules: HistoryRules;
	readonly #skew: number;
	readonly #known = new KnownRecords();
	readonly #lanes = new Map<string, Lane>();

	constructor(accuse: Accuse, rules: HistoryRules, endings: Endings) {
		this.#accuse = accuse;
		this.#rules = rules;
		this.#skew = rules.skewMs ?? 0;
		this.#endings = endings;
	}

	take(event: HistoryEvent): void {
		this.#known.take(event);
		if (event.kind === "started") this.#start(event, this.#lane(event));
		else if (event.kind === "finished" || event.kind === "failed") {
			const lane = this.#lane(event);
			const place = `${event.member}@${event.offset}`;
			if (event.kind === "finished" || event.disposable) lane.finished.add(event.offset);
			else if (event.fence === lane.current?.fence) lane.failed.set(event.offset, this.#unitOf(lane.running.get(place)));
			lane.running.delete(place);
		} else if (event.kind === "committed") {
			const lane = this.#lane(event);
			if (lane.committed !== undefined && event.offset <= lane.committed) return;
			lane.committed = event.offset;
			lane.committedAt = event.at;
		} else if (event.kind === "moving" || event.kind === "moved") this.#move(event);
	}

	#lane(event: { readonly group?: string; readonly partition: string }): Lane {
		const known = this.#lanes.get(laneOf(event));
		if (known) return known;
		const made: Lane = {
			partition: event.partition,
			stretches: [],
			current: undefined,
			delivered: new Map(),
			ever: new Set(),
			finished: new Set(),
			failed: new Map(),
			running: new Map(),
			committed: undefined,
			committedAt: 0,
			moving: false,
			moved: false,
		};
		this.#lanes.set(laneOf(event), made);
		return made;
	}

	#move(event: MoveEvent): void {
		// Also those that nothing was heard of yet.
		for (const partition of event.partitions ?? []) this.#lane({ ...event, partition });
		for (const [key, lane] of this.#lanes) {
			const mine = key === laneOf({ ...event, partition: lane.partition });
			if (!mine || (event.partitions && !event.partitions.includes(lane.partition))) continue;
			lane.moving = event.kind === "moving";
			lane.moved = true;
			lane.current = undefined;
			lane.delivered.clear();
			lane.failed.clear();
			lane.committed = undefined;
		}
	}

	#start(event: StartedEvent, lane: Lane): void {
		const { member, offset, fence } = event;
		this.counts.delivered++;
		if (!lane.ever.has(offset)) this.counts.distinct++;
		lane.ever.add(offset);
		const again = lane.failed.delete(offset);
		if (!lane.moving) {
			if (!again) this.#judgeRepeat(event, lane);
			this.#judgeOrder(event, this.#stretch(event, lane), lane, again);
		}
		lane.delivered.set(offset, event);
		lane.running.set(`${member}@${offset}`, event);
		if (lane.current?.fence === fence) lane.current.started.add(offset);
	}

	#judgeRepeat(event: StartedEvent, lane: Lane): void {
		const before = lane.delivered.get(event.offset);
		if (!before) return;
		const { member } = event;
		if (before.fence === event.fence && before.member === member) {
			// What failed is handed out again when the partition is resumed.
			const again = event.attempt <= before.attempt && (lane.finished.has(event.offset) || lane.running.has(`${member}@${event.offset}`));
			if (again) this.#accuse("duplicate", placeOf(event), `${event.id} was started twice under one fence`);
			return;
		}
		this.counts.duplicates++;
		if (!this.#endings.unclean(before.member, event.partition))
			this.#accuse("duplicate", placeOf(event), `${event.id} was delivered to ${before.member}, which handed over, and again to ${member}`);
	}

	/** The stretch the delivery belongs to; a new one has to begin where the group stood. */
	#stretch(event: StartedEvent, lane: Lane): Stretch {
		const { fence, member, offset } = event;
		if (lane.current && lane.current.fence >= fence) return lane.current;
		const stood = lane.moved ? undefined : lane.committed;
		lane.moved = false;
		const stretch = { fence, member, stood, first: offset, last: offset, before: new Set(lane.finished) };
		lane.current = { ...stretch, started: new Set(), lastOf: new Map() };
		lane.stretches.push(lane.current);
		if (stood !== undefined && offset < stood && event.at > lane.committedAt + this.#skew)
			this.#accuse("reset-without-policy", placeOf(event), `${member} began with it, after ${stood} had been committed`);
		return lane.current;
	}

	#judgeOrder(event: StartedEvent, stretch: Stretch, lane: Lane, again: boolean): void {
		if (stretch.fence !== event.fence) return;
		const unit = this.#unitOf(event);
		const last = stretch.lastOf.get(unit);
		if (last !== undefined && event.offset < last && !again)
			this.#accuse("nonmonotonic-poll", placeOf(event), `it was started after ${last}`);
		for (const [offset, of] of lane.failed)
			if (of === unit && offset < event.offset)
				this.#accuse("nonmonotonic-poll", placeOf(event), `it was started before ${offset}, which had failed, came again`);
		for (const running of lane.running.values())
			if (running.fence === event.fence && running.offset !== event.offset && this.#unitOf(running) === unit && !together(running, event))
				this.#accuse("nonmonotonic-poll", placeOf(event), `it was started while ${running.offset} was being handled`);
		if (last === undefined || event.offset > last || again) stretch.lastOf.set(unit, event.offset);
		if (event.offset > stretch.last) stretch.last = event.offset;
	}

	/** What is handed out one at a time: all of the partition, or a key. */
	#unitOf(event: StartedEvent | undefined): string {
		return this.#rules.order === "key" ? (event?.key ?? "") : "";
	}

	end(): void {
		for (const lane of this.#lanes.values()) this.#judgeCompleteness(lane);
		if (this.#rules.drained !== false) this.#judgeDrained();
	}

	/** What a stretch passed over, among the records that are known to be in the partition. */
	#judgeCompleteness(lane: Lane): void {
		// By key a record may wait behind its key while later ones are handled; whether it came is known when all is.
		if (this.#rules.order === "key") return;
		const records = this.#known.in(lane.partition);
		const told = new Set<bigint>();
		for (const { stood, first, last, started, before, member } of lane.stretches) {
			for (const { offset, id } of records) {
				const skipped = offset < last && !started.has(offset) && !told.has(offset);
				if (!skipped) continue;
				const place = placeOf({ partition: lane.partition, offset });
				if (offset < first) {
					if (stood === undefined || offset < stood || before.has(offset)) continue;
					this.#accuse("reset-without-policy", place, `${id}: the group stood at ${stood}, and ${member} began with ${first}`);
				} else if (lane.ever.has(offset)) this.#accuse("poll-skip", place, `${id}: ${member} was handed what comes before and behind it`);
				else this.#accuse("lost-write", place, `${id}: ${member} was handed what comes before and behind it, and nobody was handed it`);
				told.add(offset);
			}
		}
	}

	#judgeDrained(): void {
		for (const { id, partition, offset } of this.#known.acknowledged()) {
			const lanes = [...this.#lanes.values()].filter((lane) => lane.partition === partition);
			const handled = offset === undefined ? this.#known.handled(id) : lanes.length > 0 && lanes.every((lane) => lane.finished.has(offset));
			if (handled || (offset !== undefined && partition !== undefined && this.#known.truncated(partition, offset))) continue;
			const place = offset === undefined ? (partition ?? "") : placeOf({ partition: partition ?? "", offset });
			this.#accuse("unseen", place, `${id} was acknowledged and never handled`);
		}
	}
}

const together = (a: StartedEvent, b: StartedEvent): boolean => a.batch !== undefined && a.batch === b.batch;

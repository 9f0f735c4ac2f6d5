// One ownership of one partition: what was read ahead, what is being handled, what may be committed.
// It does no I/O: the fetch loop fills it, workers take from it, the member decides its fate.
import type { Context } from "../api/message.ts";
import type { PartitionState } from "../api/member.ts";
import { Bell } from "../bell.ts";
import type { Credit } from "../driver/driver.ts";
import type { Commit } from "../driver/group-session.ts";
import type { RawRecord } from "../driver/record.ts";
import { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { partitionContext } from "../partition-context.ts";
import { CommitState, type RestartOptions } from "./commit-state.ts";
import { type Held, OffsetTracker } from "./offset-tracker.ts";
import { ReadAhead } from "./read-ahead.ts";

/** No fetch asks for more at once, so that one partition's page never holds the others up. */
const PAGE_RECORDS = 500;

export interface LaneLimits {
	readonly records: number;
	readonly bytes: number;
}

type Phase = "preparing" | "running" | "stopped" | "revoking" | "ended";

export class PartitionLane {
	readonly partition: Partition;
	readonly key: string;
	readonly fence: bigint;
	/** Given to handlers. */
	readonly context: Context;
	/** Rings at every change that a worker, the fetch loop or a drain may wait for. */
	readonly changed: Bell;

	readonly #limits: LaneLimits;
	readonly #mayDispatch: (finishing: boolean) => boolean;
	readonly #ahead = new ReadAhead();
	readonly #commits: CommitState;
	readonly #abort = new AbortController();
	#halt = new AbortController();
	#phase: Phase = "preparing";
	#paused = false;
	#tracker = new OffsetTracker(0n);
	#position: Offset | undefined;
	/** Counts seeks: a handler of an earlier epoch is stale. */
	#epoch = 0;
	#running = 0;
	#stale = 0;

	/** `member` rings with the lane. */
	constructor(partition: Partition, fence: bigint, limits: LaneLimits, mayDispatch: (finishing: boolean) => boolean, member: Bell) {
		this.changed = new Bell(member);
		this.partition = partition;
		this.key = partitionKey(partition);
		this.fence = fence;
		this.context = { signal: this.#abort.signal };
		this.#limits = limits;
		this.#mayDispatch = mayDispatch;
		this.#commits = new CommitState(partition, fence);
	}

	get state(): PartitionState | "ended" {
		return this.#phase === "running" && this.#paused ? "paused" : this.#phase;
	}

	get ended(): boolean {
		return this.#phase === "ended";
	}

	/** The next offset to be delivered; `undefined` until the start is known. */
	get position(): Offset | undefined {
		return this.#position;
	}

	get epoch(): number {
		return this.#epoch;
	}

	get committed(): Offset | undefined {
		return this.#commits.committed;
	}

	/** Aborts when waiting on behalf of a message makes no sense any more: revoking, seek, stop, end. */
	get halt(): AbortSignal {
		return this.#halt.signal;
	}

	get running(): number {
		return this.#running;
	}

	/** What the fetch loop may ask for now; `undefined`: nothing. Asks in halves, so that pages stay large. */
	credit(): Credit | undefined {
		const { waiting } = this.#ahead;
		const records = this.#limits.records - waiting - this.#tracker.outstanding;
		const bytes = this.#limits.bytes - this.#ahead.bytes;
		if (this.#phase !== "running" || (this.#paused && waiting > 0)) return undefined;
		if (waiting > this.#limits.records / 2 || records < 1 || bytes < 1) return undefined;
		return { records: Math.min(records, PAGE_RECORDS), bytes };
	}

	/** Records read by the fetch loop under `epoch`, up to where its reader stands; dropped if a seek came in between. */
	offer(records: readonly RawRecord[], readTo: Offset, epoch: number): void {
		if (epoch !== this.#epoch || this.#phase !== "running") return;
		this.#ahead.add(records, readTo);
		if (records.length > 0) this.changed.ring();
	}

	/** Whether a worker should try `take`: there is something, and nothing local holds it back. */
	get ready(): boolean {
		return this.#phase === "running" && !this.#paused && this.#stale === 0 && this.#ahead.waiting > 0;
	}

	/** Whether work may start at this very moment: the lease and the fence, asked before every dispatch; see GroupSession. */
	mayDispatch(finishing = false): boolean {
		return this.#mayDispatch(finishing);
	}

	/** The next record, if new work may start at this very moment (lease and fence are asked every time). */
	take(): Held | undefined {
		if (!this.ready || !this.#mayDispatch(false)) return undefined;
		const record = this.#ahead.take();
		this.#position = record.offset + 1n;
		this.#running++;
		if (this.#ahead.waiting <= this.#limits.records / 2) this.changed.ring();
		return this.#tracker.begin(record, this.#epoch);
	}

	/** Whether the outcome of this record still matters here. */
	isLive(held: Held): boolean {
		return held.epoch === this.#epoch && (this.#phase === "running" || this.#phase === "revoking");
	}

	/** The handler resolved, or the failure policy disposed of the record durably. */
	complete(held: Held): void {
		if (held.epoch === this.#epoch && this.#phase !== "ended" && !held.done) this.#tracker.complete(held);
		this.#return(held);
	}

	/** The handler ended without a result: the record stays unprocessed. */
	release(held: Held): void {
		if (!held.done) held.released = true;
		this.#return(held);
	}

	/** The record goes back to the front, as if it had not been delivered. */
	putBack(held: Held): void {
		if (this.isLive(held) && !held.done) {
			this.#tracker.withdraw(held);
			this.#ahead.putBack(held.record);
			this.#position = held.record.offset;
		}
		this.#return(held);
	}

	#return(held: Held): void {
		this.#running--;
		if (held.epoch !== this.#epoch) this.#stale--;
		this.changed.ring();
	}

	/** Marks a delivered message processed on the user's word; resolves when all before it are. */
	async settle(offset: Offset): Promise<void> {
		const epoch = this.#epoch;
		const held = this.#tracker.find(offset);
		if (!held && (this.#position === undefined || offset >= this.#position))
			throw this.#fenced("the message is not of the current position: a seek moved it");
		// Those of its batch that come before it are in the same handler, which would wait for itself.
		for (const one of held?.batch ?? (held ? [held] : [])) if (!one.done && one.record.offset <= offset) this.#tracker.complete(one);
		while (this.#tracker.next <= offset) {
			if (epoch !== this.#epoch || this.#phase === "ended")
				throw this.#fenced("the partition moved on before the messages ahead of it were processed");
			if (this.#tracker.blocked) throw this.#fenced("a message ahead of it was given back unprocessed");
			await this.changed.wait();
		}
	}

	/** Begins at, or moves to, `offset`. */
	restart(offset: Offset, options: RestartOptions): void {
		if (this.#phase === "revoking" || this.#phase === "ended") return;
		this.#drop();
		this.#commits.restart(options);
		this.#tracker = new OffsetTracker(offset, options.last);
		this.#position = offset;
		if (this.#phase === "preparing" || this.#phase === "stopped") this.#phase = "running";
		this.changed.ring();
	}

	/** Back to the first message that was not processed; what was processed before it stays to be committed. */
	rewind(): void {
		const { next, last } = this.#tracker;
		this.restart(next, { moved: false, last });
	}

	/** The worker is done: what it took and gave back unprocessed is delivered anew to whoever works the lane next. */
	workEnded(): void {
		if (this.#phase === "running" && this.#running === 0 && this.#tracker.outstanding > 0) this.rewind();
	}

	/** What is processed and not yet committed; `explicit` also persists a seek with nothing processed since. */
	due(explicit = false): Commit | undefined {
		if (this.#phase === "ended" || this.#phase === "preparing") return undefined;
		return this.#commits.due(this.#tracker, this.#emptyTo(), explicit);
	}

	/** All that was read is processed, and offsets without records follow: nobody is behind for their sake. */
	#emptyTo(): Offset | undefined {
		const { readTo, waiting } = this.#ahead;
		if (readTo === undefined || waiting > 0 || this.#tracker.outstanding > 0) return undefined;
		return readTo > this.#tracker.next && readTo > (this.committed ?? 0n) ? readTo : undefined;
	}

	/** A commit through a record that was processed; `undefined` if it is committed already. */
	commitThrough(record: RawRecord): Commit | undefined {
		return this.#commits.through(record);
	}

	/** A commit of exactly `offset`, on the user's word. RangeError for one that was not delivered, or lies behind. */
	commitAt(offset: Offset): Commit {
		return this.#commits.at(offset, this.#position, this.#tracker.last);
	}

	/** A commit was accepted. A seek that came after it was sent keeps its right to go backwards. */
	accepted(commit: Commit, epoch: number): void {
		this.#commits.accepted(commit, epoch === this.#epoch);
	}

	/** Where the group stands, if the application has not been told yet. */
	news(): Offset | undefined {
		return this.#commits.news();
	}

	setPaused(paused: boolean): void {
		this.#paused = paused;
		this.changed.ring();
	}

	/** A lane that stopped before it had a start tries to find one again. */
	prepareAgain(): void {
		if (this.#phase !== "stopped") return;
		this.#phase = "preparing";
		this.#halt = new AbortController();
	}

	/** No new work; buffered records are let go. What was processed stays to be committed. */
	stop(): void {
		if (this.#phase !== "running" && this.#phase !== "preparing") return;
		this.#phase = "stopped";
		this.#ahead.clear();
		this.#halt.abort(new Error("the partition stopped"));
		this.changed.ring();
	}

	/** No new work, so that it can be drained, committed and given up. */
	revoke(): void {
		if (this.#phase === "ended") return;
		this.#phase = "revoking";
		this.#ahead.clear();
		this.#halt.abort(new Error("the partition is being given up"));
		this.changed.ring();
	}

	/** Resolves when no handler of this lane runs, whatever became of the lane. */
	async drained(): Promise<void> {
		while (this.#running > 0) await this.changed.wait();
	}

	/** Resolves when no handler of this lane runs, or the lane has ended, so that nobody waits for them any more. */
	async quiet(): Promise<void> {
		while (this.#running > 0 && !this.ended) await this.changed.wait();
	}

	/** Tells running handlers to give up. */
	abort(reason: string): void {
		this.#abort.abort(new PolylogError("FENCED", `${this.key}: ${reason}`, partitionContext(this.partition)));
	}

	/** Not ours any more. Results of running handlers count for nothing. */
	end(reason: string): void {
		if (this.#phase === "ended") return;
		this.#phase = "ended";
		this.#ahead.clear();
		this.#halt.abort(new Error(reason));
		if (this.#running > 0) this.abort(reason);
		this.changed.ring();
	}

	#drop(): void {
		this.#epoch++;
		this.#stale = this.#running;
		this.#ahead.clear();
		this.#halt.abort(new Error("the position moved"));
		this.#halt = new AbortController();
	}

	#fenced(why: string): PolylogError {
		return new PolylogError("FENCED", `cannot commit on ${this.key}: ${why}`, partitionContext(this.partition));
	}
}

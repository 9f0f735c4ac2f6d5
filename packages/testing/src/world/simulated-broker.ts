// The broker of the simulated world: the embedded backend's own log behind a network. What the network does to each
// request is decided here; nothing of a process is.
import { type MemoryLog, MemoryStore, type SeededRandom } from "@polylog/core/testing";
import { type Partition, partitionKey, type RawRecord } from "@polylog/core";
import type { VirtualTime } from "./virtual-time.ts";

export interface NetworkOptions {
	/** One way, in ms. */
	readonly latencyMs: readonly [number, number];
	/** Chance that an append is stored and its answer is lost. */
	readonly lostAnswers: number;
	/** Chance that an append fails for its sender and arrives all the same, 0.2 to `lateMs` later. */
	readonly lateAppends: number;
	readonly lateMs: number;
	/** Chance that an append never arrives. */
	readonly lostAppends: number;
}

export const CALM: NetworkOptions = { latencyMs: [0.5, 3], lostAnswers: 0, lateAppends: 0, lateMs: 5000, lostAppends: 0 };

/** What happens on the broker, for whoever checks. */
export interface BrokerWatcher {
	/** An entry was stored; `position` as readers see it. */
	journalAppended?(group: string, bytes: Uint8Array, position: bigint): void;
	/** Its last entries are gone; `Infinity`: all of them, those too that were removed before. */
	journalCut?(group: string, entries: number): void;
	/** Entries before `position` are gone. */
	journalTruncated?(group: string, position: bigint): void;
	/** Records from `offset` on are gone. */
	recordsLost?(partition: Partition, offset: bigint, records: readonly RawRecord[]): void;
}

export class SimulatedBroker {
	readonly time: VirtualTime;
	readonly random: SeededRandom;
	readonly store: MemoryStore;
	readonly watchers: BrokerWatcher[] = [];
	/** Whether appends carry on being recognized when they are repeated. */
	readonly idempotent: boolean;
	/** Positions of journal entries leave some numbers out. */
	readonly positionGaps: boolean;
	network: NetworkOptions = CALM;
	/** Multiplies every delay. */
	slowness = 1;
	durable = true;
	#up = true;
	/** Rises with everything that makes all connections new. */
	#restarts = 0;
	#troubledAt = 0;
	readonly #onDown = new Set<() => void>();

	constructor(time: VirtualTime, random: SeededRandom, options: { readonly idempotent: boolean; readonly positionGaps: boolean }) {
		this.time = time;
		this.random = random;
		this.idempotent = options.idempotent;
		this.positionGaps = options.positionGaps;
		this.store = new MemoryStore(time.clock);
	}

	get up(): boolean {
		return this.#up;
	}

	get restarts(): number {
		return this.#restarts;
	}

	/** When it was last slow or short of replicas. While it is down nobody can speak, and nobody is silent for it. */
	get troubledAt(): number {
		return this.slowness === 1 && this.durable ? this.#troubledAt : this.time.now;
	}

	latency(): number {
		const [least, most] = this.network.latencyMs;
		const ms = this.random.between(least, most) * this.slowness;
		// What is under way when it gets better is late all the same.
		if (this.slowness > 1) this.#troubledAt = Math.max(this.#troubledAt, this.time.now + ms);
		return ms;
	}

	/** Every connection breaks, and none is accepted. */
	goDown(): void {
		this.#up = false;
		for (const callback of new Set(this.#onDown)) callback();
	}

	comeUp(): void {
		this.#up = true;
		this.#restarts++;
	}

	/** Another node takes over: connections break and are made anew at once. */
	failOver(): void {
		this.goDown();
		this.comeUp();
	}

	onDown(callback: () => void): void {
		this.#onDown.add(callback);
	}

	forget(callback: () => void): void {
		this.#onDown.delete(callback);
	}

	troubled(): void {
		this.#troubledAt = Math.max(this.#troubledAt, this.time.now);
	}

	/** The node that took over has not got the last entries; without any, it makes the journal anew. */
	cutJournal(group: string, entries: number): void {
		const log = this.store.journal(group);
		if (log.end - log.earliest <= BigInt(entries)) {
			this.store.journals.delete(group);
			for (const watcher of this.watchers) watcher.journalCut?.(group, Number.POSITIVE_INFINITY);
			return;
		}
		log.truncateFrom(log.end - BigInt(entries));
		for (const watcher of this.watchers) watcher.journalCut?.(group, entries);
	}

	/** The node that took over has not got the last records. */
	loseRecords(partition: Partition, records: number): void {
		const log = this.partition(partition);
		const kept = log.end - BigInt(records);
		const from = kept > log.earliest ? kept : log.earliest;
		const lost = log.slice(from, { records, bytes: Number.POSITIVE_INFINITY });
		log.truncateFrom(from);
		for (const watcher of this.watchers) watcher.recordsLost?.(partition, from, lost);
	}

	partition(partition: Partition): MemoryLog {
		const log = this.store.topics.get(partition.topic)?.partitions[partition.index];
		if (!log) throw new Error(`there is no partition ${partitionKey(partition)}`);
		return log;
	}
}

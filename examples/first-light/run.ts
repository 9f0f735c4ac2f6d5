// The course of events: members join, flights stream, one member is killed half way, a new one joins, all is processed.
import { setInterval as ticks } from "node:timers/promises";
import type { Broker } from "@polylog/core";
import { Books } from "./books.ts";
import type { CrewMember, Hire } from "./crew.ts";
import { type Flight, flightsTopic, PARTITIONS } from "./flights.ts";
import { Handover, type Kill } from "./handover.ts";
import { flightsGroup, type Names, type Store } from "./member.ts";
import { Meter } from "./meter.ts";
import { Observer } from "./observer.ts";
import { emptySource, produce } from "./produce.ts";
import { type Screen, seconds } from "./progress.ts";
import type { Facts } from "./report.ts";

const TICK_MS = 100;
const KILL_AT = 0.5;
/** Without a new record for so long, the rest is missing. */
const STALLED_MS = 15_000;
const nameOf = (index: number) => String.fromCodePoint(97 + index);

export interface Stage {
	readonly broker: Broker;
	readonly names: Names;
	readonly flights: readonly Flight[];
	/** How many begin. */
	readonly members: number;
	readonly hire: (store: Store) => Hire;
	readonly screen: Screen;
	readonly signal: AbortSignal;
}

export class FirstLight {
	readonly #stage: Stage;
	readonly #books = new Books();
	readonly #source = emptySource();
	readonly #meter: Meter;
	readonly #observer: Observer;
	readonly #hire: Hire;
	readonly #crew: CrewMember[] = [];
	/** Aborts with the error of the part that failed. */
	readonly #trouble = new AbortController();
	readonly #startMs = performance.now();
	#kill: Kill | undefined;
	#takeover: Handover | undefined;
	#newcomer: Promise<void> | undefined;
	#joining: Handover | undefined;

	constructor(stage: Stage) {
		this.#stage = stage;
		this.#meter = new Meter(stage.flights.length, PARTITIONS);
		this.#observer = new Observer(flightsGroup(stage.broker, stage.names));
		this.#hire = stage.hire(this.#books);
	}

	/** Rejects if a part failed or the signal aborted; the members have left then, too. */
	async run(): Promise<Facts> {
		const { broker, names, flights, members, signal } = this.#stage;
		const stopped = AbortSignal.any([signal, this.#trouble.signal]);
		await using gate = broker.producerGroup("gates");
		const joins = Array.from({ length: members }, (_, index) => this.#join(index));
		let producing = Promise.resolve();
		try {
			await Promise.all(joins);
			producing = this.#guard(produce(gate.producer(flightsTopic(names.topic)), flights, this.#source, stopped));
			await this.#untilProcessed(stopped);
		} finally {
			await Promise.allSettled([...joins, producing, this.#newcomer]);
			await Promise.all(this.#crew.map((member) => this.#guard(member.stop())));
		}
		stopped.throwIfAborted();
		await this.#observer.look();
		return this.#facts();
	}

	async #untilProcessed(stopped: AbortSignal): Promise<void> {
		const sinceMs = performance.now();
		for await (const _ of ticks(TICK_MS)) {
			stopped.throwIfAborted();
			const now = performance.now();
			this.#show(now);
			const { records } = this.#books.ledger.tally;
			const total = this.#stage.flights.length;
			if (records >= total || now - Math.max(sinceMs, this.#books.lastMs) > STALLED_MS) return;
			if (!this.#takeover) {
				// Only what was forecast before can be compared.
				if (records >= KILL_AT * total && this.#meter.forecasts.some(({ share }) => share >= KILL_AT)) await this.#killOne();
			} else if (this.#kill && this.#takeover.covers(this.#kill.partitions)) {
				this.#newcomer ??= this.#guard(this.#joinAnother());
			}
		}
	}

	#show(now: number): void {
		void this.#guard(this.#observer.refresh(now));
		const { tally } = this.#books.ledger;
		this.#stage.screen.show({
			elapsedMs: now - this.#startMs,
			share: tally.records / this.#stage.flights.length,
			members: this.#observer.members,
			perSecond: this.#meter.perSecond,
			lag: this.#observer.lag,
			secondsLeft: this.#meter.sample(now, this.#source.tally, tally),
		});
	}

	async #killOne(): Promise<void> {
		const [, victim] = this.#crew;
		if (!victim) throw new Error("there is nobody to kill");
		const partitions = await this.#observer.partitionsOf(victim.name);
		const atMs = performance.now();
		await victim.kill();
		this.#say(`member ${victim.name} is killed; it owned ${partitions.join(", ")}`);
		this.#takeover = new Handover(atMs, (batch) => batch.member !== victim.name && partitions.includes(batch.partition));
		this.#books.watch(this.#takeover, ({ member, partition }) =>
			this.#say(`partition ${partition} is taken over by ${member}, ${seconds(performance.now() - atMs)} after the kill`),
		);
		// The takers begin there. It stands still until the session of the dead one is over.
		this.#kill = { member: victim.name, atMs, partitions, committed: await this.#observer.committed() };
	}

	async #joinAnother(): Promise<void> {
		const index = this.#crew.length;
		const name = nameOf(index);
		await this.#join(index, () => {
			const atMs = performance.now();
			this.#say(`member ${name} joins`);
			this.#joining = new Handover(atMs, (batch) => batch.member === name);
			this.#books.watch(this.#joining, ({ partition }) =>
				this.#say(`partition ${partition} is handed over to ${name}, ${seconds(performance.now() - atMs)} after it began to join`),
			);
		});
	}

	async #join(index: number, onJoining = () => {}): Promise<void> {
		const member = await this.#hire(nameOf(index), onJoining);
		this.#crew[index] = member;
		void this.#guard(member.ended);
	}

	/** A part that runs by itself: its failure ends the run. */
	#guard(part: Promise<void>): Promise<void> {
		return part.catch((error: unknown) => this.#trouble.abort(error));
	}

	#say(text: string): void {
		this.#stage.screen.say(`${seconds(performance.now() - this.#startMs).padStart(7)}  ${text}`);
	}

	#facts(): Facts {
		const { ledger, delays, lastMs } = this.#books;
		return {
			flights: this.#stage.flights.length,
			source: this.#source,
			ledger,
			delays,
			kill: this.#kill,
			takeoverMs: this.#takeover?.times ?? new Map(),
			joinMs: this.#joining?.times ?? new Map(),
			forecasts: this.#meter.forecasts,
			startMs: this.#startMs,
			endMs: lastMs,
			lag: this.#observer.lag,
		};
	}
}

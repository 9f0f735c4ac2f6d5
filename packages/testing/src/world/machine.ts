// A place where a process of the application runs, dies and is started again.
import type { Broker } from "@polylog/core";
import { brokerOver, createJournalCoordinator, type GroupState, type JournalTiming, SeededRandom } from "@polylog/core/testing";
import { Link } from "./link.ts";
import { SimulatedProcess } from "./process.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";
import { SimulatedDriver, simulatedTopics } from "./simulated-driver.ts";
import { simulatedJournals } from "./simulated-journal.ts";

/** What a program is given when its process starts. */
export interface Running {
	/** Of the process: the machine's name and how often it was started. */
	readonly name: string;
	readonly machine: Machine;
	readonly process: SimulatedProcess;
	readonly broker: Broker;
	/** Aborts when the process is asked to end in good order. */
	readonly signal: AbortSignal;
	/** Virtual milliseconds of this process; never returns if it dies meanwhile. */
	pause(ms: number): Promise<void>;
}

export type Program = (running: Running) => Promise<void>;

export interface MachineParts {
	readonly broker: SimulatedBroker;
	readonly seed: number;
	readonly timing: Partial<JournalTiming>;
	readonly note: (text: string) => void;
	/** A program ended with an error. */
	readonly failed: (name: string, error: unknown) => void;
	readonly killed?: (name: string) => void;
	/** See JournalCoordinatorOptions. */
	readonly inspect?: (process: SimulatedProcess, state: GroupState) => void;
}

interface Current {
	readonly process: SimulatedProcess;
	readonly link: Link;
	readonly broker: Broker;
	readonly leaving: AbortController;
	/** Resolves when the program has ended. */
	readonly ended: Promise<void>;
	over: boolean;
}

export class Machine {
	readonly name: string;
	readonly #parts: MachineParts;
	readonly #program: Program;
	readonly #drift: number;
	#starts = 0;
	#current: Current | undefined;
	/** Handlers on it do not return before this time. */
	stalledUntil = 0;

	constructor(name: string, program: Program, parts: MachineParts, drift = 0) {
		this.name = name;
		this.#program = program;
		this.#parts = parts;
		this.#drift = drift;
	}

	get process(): SimulatedProcess | undefined {
		return this.#current?.process;
	}

	get link(): Link | undefined {
		return this.#current?.link;
	}

	/** A process lives there, stopped or not, and was not asked to end. */
	get alive(): boolean {
		return this.#current !== undefined && !this.#current.over && this.#current.process.state !== "dead" && !this.leaving;
	}

	/** It was asked to end in good order and has not done so yet. */
	get leaving(): boolean {
		return this.#current !== undefined && !this.#current.over && this.#current.leaving.signal.aborted;
	}

	start(): void {
		const before = this.#current;
		if (before && !before.over && before.process.state !== "dead") {
			if (this.leaving) void before.ended.then(() => this.start());
			return;
		}
		const { broker, seed, timing, note, inspect } = this.#parts;
		const name = `${this.name}.${++this.#starts}`;
		const process = new SimulatedProcess(name, broker.time, new SeededRandom(seed, name), { drift: this.#drift });
		const link = new Link(process, broker);
		const log = {
			info: () => {},
			warn: (text: string) => note(`${name} warns: ${text}`),
			error: (text: string) => note(`${name} says: ${text}`),
		};
		const context = { clock: process.clock, random: process.random, log, clientId: name };
		const coordinator = createJournalCoordinator({
			...context,
			journals: simulatedJournals(broker, link),
			topics: simulatedTopics(broker, link),
			timing,
			...(inspect && { inspect: (state: GroupState) => inspect(process, state) }),
		});
		const driver = new SimulatedDriver(broker, link, coordinator);
		const leaving = new AbortController();
		const connected = brokerOver(driver, context);
		const pause = (ms: number) => new Promise<void>((resolve) => void process.clock.after(ms, resolve));
		const running: Running = { name, machine: this, process, broker: connected, signal: leaving.signal, pause };
		note(`${name} starts`);
		const current: Current = { process, link, broker: connected, leaving, ended: this.#run(running), over: false };
		this.#current = current;
		void current.ended.then(() => (current.over = true));
	}

	async #run(running: Running): Promise<void> {
		try {
			await this.#program(running);
			await running.broker.close();
			this.#parts.note(`${running.name} ended`);
		} catch (error) {
			this.#parts.failed(running.name, error);
		}
	}

	kill(): void {
		const current = this.#current;
		if (!current || current.process.state === "dead") return;
		this.#parts.note(`${current.process.name} is killed`);
		current.process.kill();
		current.link.close();
		this.#parts.killed?.(current.process.name);
	}

	/** Asks the process to end in good order. */
	leave(): void {
		if (!this.alive) return;
		this.#parts.note(`${this.#current?.process.name} is asked to end`);
		this.#current?.leaving.abort(new Error("the process is asked to end"));
	}
}

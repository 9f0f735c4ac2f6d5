// Runs a plan: starts machines, lets the faults happen, heals everything, and goes on until the work is done.
import { type GroupState, SeededRandom } from "@polylog/core/testing";
import type { Fault, Plan } from "./plan.ts";
import { Machine, type MachineParts, type Program, type Running } from "./machine.ts";
import type { MemberCall } from "./member-life.ts";
import type { SimulatedProcess } from "./process.ts";
import { type BrokerWatcher, SimulatedBroker } from "./simulated-broker.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface WorldWatcher extends BrokerWatcher {
	/** A program ended with an error. */
	failed?(process: string, error: unknown): void;
	/** A process was killed. */
	killed?(process: string): void;
	/** A reader of the journal took in an entry. */
	inspect?(process: SimulatedProcess, state: GroupState): void;
	/** After each event. */
	stepped?(): void;
}

export interface Programs {
	member(running: Running, call: MemberCall): Promise<void>;
	/** `number` counts producers from 0. */
	producer(running: Running, number: number): Promise<void>;
	reset(running: Running, back: number): Promise<void>;
	/** Of the member that runs in this process, if one does. */
	seek?(process: string, back: number): Promise<void>;
	/** All of it is processed: the run may end. */
	done(world: World): boolean;
}

type MemberFault = Extract<Fault, { readonly member: number }>;

/** A run that is not done so long after the healing, and the longest that all handlers can take, is over: `world.late`. */
const PATIENCE_MS = 60_000;

export class World {
	readonly plan: Plan;
	readonly topic: string;
	readonly group: string;
	readonly time = new VirtualTime();
	readonly broker: SimulatedBroker;
	readonly members: Machine[] = [];
	readonly extras: Machine[] = [];
	readonly trace: string[] = [];
	readonly random: SeededRandom;
	readonly #programs: Programs;
	readonly #watcher: WorldWatcher;
	readonly #parts: MachineParts;
	readonly #closeWithinMs: number[] = [];
	readonly #calls: MemberCall[] = [];
	#healed = false;
	#stop = false;
	#extras = 0;
	late = false;

	constructor(plan: Plan, programs: Programs, watcher: WorldWatcher, names = { topic: "orders", group: "billing" }) {
		this.plan = plan;
		this.topic = names.topic;
		this.group = names.group;
		this.#programs = programs;
		this.#watcher = watcher;
		this.random = new SeededRandom(plan.seed, "world");
		this.broker = new SimulatedBroker(this.time, new SeededRandom(plan.seed, "network"), plan);
		this.broker.network = plan.network;
		this.broker.watchers.push(watcher);
		this.broker.store.createTopic(this.topic, { partitions: plan.partitions });
		this.#parts = {
			broker: this.broker,
			seed: plan.seed,
			timing: { snapshotBytes: plan.snapshotBytes, snapshotGrowth: 1, metadataMs: 2000 },
			note: (text) => this.note(text),
			failed: (name, error) => {
				this.note(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
				watcher.failed?.(name, error);
			},
			killed: (name) => watcher.killed?.(name),
			...(watcher.inspect && { inspect: (process, state) => watcher.inspect?.(process, state) }),
		};
	}

	note(text: string): void {
		this.trace.push(`${(this.time.now / 1000).toFixed(4).padStart(9)} ${text}`);
	}

	/** Faults are over and everything works. */
	get healed(): boolean {
		return this.#healed;
	}

	/** Ends the run after this event. */
	stop(): void {
		this.#stop = true;
	}

	async run(): Promise<void> {
		const { plan, time } = this;
		plan.members.forEach((member, i) => {
			this.#closeWithinMs[i] = 30_000;
			const { sessionTimeoutMs, instanceId } = member;
			const call: MemberCall = { sessionTimeoutMs, instanceId, closeWithinMs: () => this.#closeWithinMs[i] ?? 30_000 };
			this.#calls.push(call);
			const program: Program = (running) => this.#programs.member(running, call);
			const machine = new Machine(`m${i}`, program, this.#parts, member.drift);
			this.members.push(machine);
			if (member.startMs !== undefined) time.after(member.startMs, () => machine.start());
		});
		for (let i = 0; i < plan.producers; i++) {
			const machine = new Machine(`w${i}`, (running) => this.#programs.producer(running, i), this.#parts);
			this.extras.push(machine);
			time.after(0, () => machine.start());
		}
		for (const fault of plan.faults) time.after(fault.atMs, () => this.#happen(fault));
		time.after(plan.healMs, () => this.#heal());
		time.after(plan.healMs + PATIENCE_MS + plan.producers * plan.messages * plan.handlerMs[1], () => {
			this.late = true;
			this.#stop = true;
		});
		await time.run(() => {
			this.#watcher.stepped?.();
			return this.#stop || (this.#healed && this.#programs.done(this));
		});
	}

	#happen(fault: Fault): void {
		const { broker, time } = this;
		const later = (ms: number, callback: () => void) => void time.after(ms, callback);
		this.note(`FAULT ${describeFault(fault)}`);
		if ("member" in fault) return this.#happenTo(this.members[fault.member], fault);
		switch (fault.kind) {
			case "outage":
				broker.goDown();
				return later(fault.ms, () => broker.comeUp());
			case "slow":
				broker.slowness = fault.factor;
				return later(fault.ms, () => {
					broker.slowness = 1;
					broker.troubled();
				});
			case "not-durable":
				broker.durable = false;
				return later(fault.ms, () => {
					broker.durable = true;
					broker.troubled();
				});
			case "fail-over":
				if (!broker.up) return;
				broker.failOver();
				if (fault.entriesLost > 0) broker.cutJournal(this.group, fault.entriesLost);
				if (fault.recordsLost > 0) for (const partition of this.partitions()) broker.loseRecords(partition, fault.recordsLost);
				return;
			case "storm":
				for (let i = 0; i < fault.members; i++) later(this.random.between(0, 300), () => this.#visitor(fault.stayMs, fault.crash));
				return;
			case "grow":
				return broker.store.growTopic(this.topic, this.partitions().length + fault.by);
			case "reset":
				for (let i = 0; i < fault.times; i++)
					later(i * 150, () => this.extra("admin", (running) => this.#programs.reset(running, fault.back)).start());
		}
	}

	#happenTo(machine: Machine | undefined, fault: MemberFault): void {
		if (!machine) return;
		const later = (ms: number, callback: () => void) => void this.time.after(ms, callback);
		switch (fault.kind) {
			case "crash":
				machine.kill();
				if (fault.restartMs !== undefined) later(fault.restartMs, () => machine.start());
				return;
			case "leave":
				this.#closeWithinMs[fault.member] = fault.deadlineMs;
				machine.leave();
				if (fault.restartMs !== undefined) later(fault.restartMs, () => machine.start());
				return;
			case "pause": {
				const { process } = machine;
				process?.stop();
				return later(fault.ms, () => process?.continue());
			}
			case "cut": {
				const { link } = machine;
				link?.cut(fault.how);
				return later(fault.ms, () => link?.mend());
			}
			case "stall":
				machine.stalledUntil = this.time.now + fault.ms;
				return;
			case "wall-clock":
				return machine.process?.jumpWallClock(fault.ms);
			case "seek":
				return this.#seek(machine, fault.back);
			case "twin":
				return this.#twin(this.#calls[fault.member]);
		}
	}

	#seek({ process }: Machine, back: number): void {
		process?.run(() => void this.#programs.seek?.(process.name, back));
	}

	/** Somebody who was started by mistake, or because the first one looked dead. */
	#twin(call: MemberCall | undefined): void {
		if (call?.instanceId === undefined) return;
		this.extra("t", (running) => this.#programs.member(running, call)).start();
	}

	/** Somebody who joins for a while. */
	#visitor(stayMs: number, crash: boolean): void {
		const { sessionTimeoutMs } = this.plan.members[0] ?? { sessionTimeoutMs: 3000 };
		const call: MemberCall = { sessionTimeoutMs, instanceId: undefined, closeWithinMs: () => 30_000 };
		const visitor = this.extra("v", (running) => this.#programs.member(running, call));
		visitor.start();
		this.time.after(stayMs, () => (crash ? visitor.kill() : visitor.leave()));
	}

	extra(name: string, program: Program): Machine {
		const machine = new Machine(`${name}${this.#extras++}`, program, this.#parts);
		this.extras.push(machine);
		return machine;
	}

	partitions(): { readonly topic: string; readonly index: number }[] {
		const count = this.broker.store.topics.get(this.topic)?.partitions.length ?? 0;
		return Array.from({ length: count }, (_, index) => ({ topic: this.topic, index }));
	}

	#heal(): void {
		this.note("everything is healed");
		const { broker } = this;
		if (!broker.up) broker.comeUp();
		broker.slowness = 1;
		broker.durable = true;
		broker.network = { ...broker.network, lostAnswers: 0, lateAppends: 0, lostAppends: 0 };
		for (const machine of [...this.members, ...this.extras]) {
			machine.process?.continue();
			machine.link?.mend();
			machine.stalledUntil = 0;
		}
		if (!this.members.some((member) => member.alive)) this.members.find((_, i) => this.plan.members[i]?.startMs !== undefined)?.start();
		this.#healed = true;
	}
}

export function describeFault({ atMs, kind, ...details }: Fault): string {
	const text = Object.entries(details).map(([name, value]) => `${name}=${value}`);
	return `${kind} at ${atMs} ms ${text.join(" ")}`.trim();
}

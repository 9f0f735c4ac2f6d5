// Whether anything was in the way of a process, or of the whole group: without that nobody may be taken for dead, and a
// dead member's partitions must be taken over in time.
import { endOf, type Plan, type Running, type World } from "@polylog/testing/world";

/** What is under way when a disturbance ends may be late all the same. */
const DEBT_MS = 500;
/** Of a network in which everybody is heard in time. */
const QUICK_MS = 50;

export class Health {
	readonly #plan: Plan;
	readonly #world: World;
	/** Processes of members, by name. */
	readonly #running: ReadonlyMap<string, Running>;
	#cutAt = Number.NEGATIVE_INFINITY;

	constructor(plan: Plan, world: World, running: ReadonlyMap<string, Running>) {
		this.#plan = plan;
		this.#world = world;
		this.#running = running;
	}

	/** The journal lost its tail: what members said there they have not said. */
	journalCut(): void {
		this.#cutAt = this.#world.time.now;
	}

	/** Why nobody may take this process for dead; `undefined` if somebody may. */
	whyAlive(client: string, sessionTimeoutMs: number): string | undefined {
		const running = this.#running.get(client);
		if (!running || !isUp(running)) return undefined;
		const undisturbedMs = this.#world.time.now - Math.max(running.process.troubledAt, this.#world.broker.troubledAt, this.#cutAt);
		if (undisturbedMs < sessionTimeoutMs + DEBT_MS) return undefined;
		return `it was undisturbed for ${undisturbedMs.toFixed(0)} ms, and its session is ${sessionTimeoutMs} ms`;
	}

	/** Since before `client` died at `fromMs` nothing else went wrong, and another member was there all the time. */
	healthySince(fromMs: number, client: string): boolean {
		const { broker } = this.#world;
		const { latencyMs, lateAppends, lostAppends, lostAnswers } = this.#plan.network;
		if (!broker.up || broker.troubledAt > fromMs || latencyMs[1] > QUICK_MS || lateAppends + lostAppends + lostAnswers > 0) return false;
		return this.#onlyFault(fromMs, client) && [...this.#running.values()].some((running) => this.#wasThere(running, fromMs));
	}

	#onlyFault(fromMs: number, client: string): boolean {
		const { now } = this.#world.time;
		// As long before it: what a former fault began is over.
		const quietFrom = 2 * fromMs - now;
		return this.#plan.faults.every((fault) => {
			if (fault.kind === "crash" && fault.atMs === fromMs && client.startsWith(`m${fault.member}.`)) return true;
			return fault.atMs > now || endOf(fault) < quietFrom;
		});
	}

	#wasThere(running: Running, fromMs: number): boolean {
		const quietFrom = 2 * fromMs - this.#world.time.now;
		return isUp(running) && running.process.troubledAt < quietFrom;
	}
}

function isUp({ process, signal, machine }: Running): boolean {
	return process.state === "running" && !signal.aborted && machine.link?.isCut !== true;
}

// What a run of many seeds amounted to.
import type { SeedResult } from "./run-seed.ts";

export class Tally {
	readonly #started = performance.now();
	#seeds = 0;
	#failed = 0;
	#unusable = 0;
	#takeOvers = 0;
	#mistaken = 0;
	#virtualMs = 0;
	#events = 0;
	#entries = 0;
	#dispatches = 0;
	#repeated = 0;

	get seconds(): number {
		return (performance.now() - this.#started) / 1000;
	}

	add(result: SeedResult): void {
		this.#seeds++;
		if (result.violations.length > 0) this.#failed++;
		this.#takeOvers += result.takeOvers;
		if (result.unusable) this.#unusable++;
		if (result.mistaken) this.#mistaken++;
		this.#virtualMs += result.virtualMs;
		this.#events += result.events;
		this.#entries += result.entries;
		this.#dispatches += result.dispatches;
		this.#repeated += result.repeated;
	}

	line(): string {
		const mean = (sum: number) => Math.round(sum / Math.max(1, this.#seeds));
		const cpu = process.cpuUsage();
		const cpuMs = (cpu.user + cpu.system) / 1000 / Math.max(1, this.#seeds);
		return [
			`simulation: ${this.#seeds} seeds, ${this.#failed} failed`,
			`${this.#takeOvers} take-overs timed`,
			`${this.#unusable} lost their journal for good (told by JOURNAL_UNUSABLE)`,
			`${this.#mistaken} could not tell a lost tail from what was sent again (docs/simulation.md)`,
			`${Math.round((this.#seeds / this.seconds) * 60)} seeds a minute, ${cpuMs.toFixed(0)} ms of processor time each`,
			`a seed: ${(mean(this.#virtualMs) / 1000).toFixed(1)} virtual s, ${mean(this.#events)} events, ${mean(this.#entries)} journal entries, ${mean(this.#dispatches)} dispatches (${mean(this.#repeated)} repeated)`,
		].join("; ");
	}
}

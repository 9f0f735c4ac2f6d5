// A process of the simulated world: it has its own clock, can be stopped and continued like by signals, and killed.
import type { Clock } from "@polylog/core/driver";
import type { SeededRandom } from "@polylog/core/testing";
import { type VirtualTime, WALL_START } from "./virtual-time.ts";

export interface ProcessOptions {
	/** Its clock runs this much too fast: 0.02 is 2 %. */
	readonly drift?: number;
	/** Its wall clock is ahead by this. */
	readonly wallSkewMs?: number;
}

export class SimulatedProcess {
	readonly name: string;
	readonly random: SeededRandom;
	readonly clock: Clock;
	readonly #time: VirtualTime;
	#state: "running" | "stopped" | "dead" = "running";
	/** What came while it was stopped. */
	#due: (() => void)[] = [];
	#wallSkewMs: number;
	/** When it was last anything but undisturbed; for judging whether it was rightly taken for dead. */
	#troubledAt = 0;

	constructor(name: string, time: VirtualTime, random: SeededRandom, { drift = 0, wallSkewMs = 0 }: ProcessOptions = {}) {
		this.name = name;
		this.random = random;
		this.#time = time;
		this.#wallSkewMs = wallSkewMs;
		const rate = 1 + drift;
		const born = time.now;
		// Not comparable with another process' clock, as in reality.
		const base = random.between(0, 1e6);
		this.clock = {
			now: () => base + (time.now - born) * rate,
			wall: () => WALL_START + Math.floor(time.now + this.#wallSkewMs),
			after: (delayMs, callback) => time.after(delayMs / rate, () => this.run(callback)),
			yield: () => new Promise((resolve) => this.clock.after(0, resolve)),
		};
		this.#troubledAt = born;
	}

	get state(): "running" | "stopped" | "dead" {
		return this.#state;
	}

	get troubledAt(): number {
		return this.#troubledAt;
	}

	/** Something from outside reaches the process: a timer, an answer. */
	run(callback: () => void): void {
		if (this.#state === "running") callback();
		else if (this.#state === "stopped") this.#due.push(callback);
	}

	/** Like SIGSTOP: nothing runs, time goes on. */
	stop(): void {
		if (this.#state === "running") this.#state = "stopped";
	}

	/** Like SIGCONT: what came in between runs in any order, each in its own turn. */
	continue(): void {
		if (this.#state !== "stopped") return;
		this.#state = "running";
		this.troubled();
		const due = this.random.shuffle(this.#due);
		this.#due = [];
		for (const callback of due) this.#time.after(0, () => this.run(callback));
	}

	/** Like SIGKILL. What it has sent is on its way. */
	kill(): void {
		this.#state = "dead";
		this.#due = [];
	}

	troubled(): void {
		this.#troubledAt = this.#time.now;
	}

	/** The wall clock jumps. */
	jumpWallClock(ms: number): void {
		this.#wallSkewMs += ms;
	}
}

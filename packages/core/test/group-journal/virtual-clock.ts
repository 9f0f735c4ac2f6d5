// A clock that stands still until told to move, and the processes that live by it: one can be stopped and continued.
import type { Clock } from "../../src/clock.ts";

interface Timer {
	readonly at: number;
	readonly order: number;
	readonly fire: () => void;
}

export class VirtualTime {
	#now = 0;
	#order = 0;
	#timers: Timer[] = [];

	get now(): number {
		return this.#now;
	}

	after(delayMs: number, fire: () => void): () => void {
		const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, fire };
		let low = 0;
		let high = this.#timers.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			const other = this.#timers[middle];
			if (other && (other.at < timer.at || (other.at === timer.at && other.order < timer.order))) low = middle + 1;
			else high = middle;
		}
		this.#timers.splice(low, 0, timer);
		return () => {
			const place = this.#timers.indexOf(timer);
			if (place >= 0) this.#timers.splice(place, 1);
		};
	}

	/** Lets `ms` pass. */
	async pass(ms: number): Promise<void> {
		const end = this.#now + ms;
		await turn();
		for (let next = this.#timers[0]; next && next.at <= end; next = this.#timers[0]) {
			this.#timers.shift();
			this.#now = Math.max(this.#now, next.at);
			next.fire();
			await turn();
		}
		this.#now = end;
	}

	/** Lets time pass until the condition holds; gives the time that took. */
	async until(condition: () => boolean, limitMs: number, what = "condition"): Promise<number> {
		const start = this.#now;
		while (!condition()) {
			if (this.#now - start >= limitMs) throw new Error(`${what} did not come within ${limitMs} ms`);
			await this.pass(1);
		}
		return this.#now - start;
	}
}

function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/** Stopped like by SIGSTOP: nothing runs, time goes on, and what was due runs when it is continued. */
export class Process {
	readonly #time: VirtualTime;
	#stopped = false;
	#dead = false;
	#due: (() => void)[] = [];
	/** Added to the wall clock only. */
	wallSkew = 0;
	readonly clock: Clock;

	constructor(time: VirtualTime) {
		this.#time = time;
		this.clock = {
			now: () => time.now,
			wall: () => 1_800_000_000_000 + time.now + this.wallSkew,
			after: (delayMs, callback) => time.after(delayMs, () => this.run(callback)),
			yield: () => new Promise((resolve) => this.clock.after(0, resolve)),
		};
	}

	run(callback: () => void): void {
		if (this.#dead) return;
		if (this.#stopped) this.#due.push(callback);
		else callback();
	}

	stop(): void {
		this.#stopped = true;
	}

	continue(): void {
		this.#stopped = false;
		const due = this.#due;
		this.#due = [];
		for (const callback of due) this.run(callback);
	}

	/** Nothing runs any more. */
	kill(): void {
		this.#dead = true;
	}

	get time(): VirtualTime {
		return this.#time;
	}
}

// A clock that a test moves. Timers fire in the order of their times; `yield` really lets the event loop turn.
import type { Clock } from "../src/clock.ts";

export class ManualClock implements Clock {
	#now = 1000;
	#timers: { at: number; callback: () => void }[] = [];

	get timers(): number {
		return this.#timers.length;
	}

	now(): number {
		return this.#now;
	}

	wall(): number {
		return 1_700_000_000_000 + this.#now;
	}

	after(delayMs: number, callback: () => void): () => void {
		const timer = { at: this.#now + delayMs, callback };
		this.#timers.push(timer);
		return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
	}

	yield(): Promise<void> {
		return new Promise((resolve) => setImmediate(resolve));
	}

	/** Lets everything run that needs no time. */
	async settle(): Promise<void> {
		for (let turn = 0; turn < 5; turn++) await this.yield();
	}

	async advance(ms: number): Promise<void> {
		const end = this.#now + ms;
		await this.settle();
		for (;;) {
			const next = this.#timers.reduce<{ at: number; callback: () => void } | undefined>((first, timer) => (timer.at <= end && (!first || timer.at < first.at) ? timer : first), undefined);
			if (!next) break;
			this.#timers = this.#timers.filter((timer) => timer !== next);
			this.#now = Math.max(this.#now, next.at);
			next.callback();
			await this.settle();
		}
		this.#now = end;
	}
}

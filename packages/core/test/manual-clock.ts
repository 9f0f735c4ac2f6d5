// A clock that stands still until a test moves it.
import type { Clock } from "../src/clock.ts";

export class ManualClock implements Clock {
	#now = 0;
	readonly #timers = new Set<{ readonly at: number; readonly call: () => void }>();

	now(): number {
		return this.#now;
	}

	wall(): number {
		return 1_700_000_000_000 + this.#now;
	}

	after(delayMs: number, callback: () => void): () => void {
		const timer = { at: this.#now + delayMs, call: callback };
		this.#timers.add(timer);
		return () => this.#timers.delete(timer);
	}

	yield(): Promise<void> {
		return new Promise((resolve) => setImmediate(resolve));
	}

	get timers(): number {
		return this.#timers.size;
	}

	/** Moves on, firing what is due on the way, and lets promises settle. */
	async advance(ms: number): Promise<void> {
		const end = this.#now + ms;
		for (;;) {
			const next = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
			if (!next) break;
			this.#now = Math.max(this.#now, next.at);
			this.#timers.delete(next);
			next.call();
			await this.yield();
		}
		this.#now = end;
		await this.yield();
	}
}

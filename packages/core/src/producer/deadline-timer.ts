import type { Clock } from "../clock.ts";

/** One timer for many deadlines that rise: it stays armed for the earliest it was told, and is told again when it fires. */
export class DeadlineTimer {
	readonly #clock: Clock;
	readonly #fire: () => void;
	#cancel: (() => void) | undefined;
	#at = Infinity;

	constructor(clock: Clock, fire: () => void) {
		this.#clock = clock;
		this.#fire = fire;
	}

	arm(at: number): void {
		if (at >= this.#at || at === Infinity) return;
		this.#cancel?.();
		this.#at = at;
		this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
			this.#cancel = undefined;
			this.#at = Infinity;
			this.#fire();
		});
	}

	cancel(): void {
		this.#cancel?.();
		this.#cancel = undefined;
		this.#at = Infinity;
	}
}

// One timer for everything a session has to do later, and a way to do it in this turn, once, however many ask.
import type { Clock } from "../clock.ts";

export class Wakeup {
	readonly #clock: Clock;
	readonly #act: () => void;
	#cancel: (() => void) | undefined;
	#due = Number.POSITIVE_INFINITY;
	#asked = false;
	#stopped = false;

	constructor(clock: Clock, act: () => void) {
		this.#clock = clock;
		this.#act = act;
	}

	/** After what runs now: requests of one turn are answered together. */
	soon(): void {
		if (this.#asked || this.#stopped) return;
		this.#asked = true;
		queueMicrotask(() => {
			this.#asked = false;
			if (!this.#stopped) this.#act();
		});
	}

	/** An earlier time that is set already stays: it looks around and sets the next one. */
	at(time: number): void {
		if (this.#stopped || time >= this.#due) return;
		this.#cancel?.();
		this.#due = time;
		if (time === Number.POSITIVE_INFINITY) return;
		this.#cancel = this.#clock.after(Math.max(0, Math.ceil(time - this.#clock.now())), () => {
			this.#due = Number.POSITIVE_INFINITY;
			this.#act();
		});
	}

	stop(): void {
		this.#stopped = true;
		this.#cancel?.();
	}
}

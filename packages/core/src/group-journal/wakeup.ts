// One timer for everything a session has to do later, and a way to do it in the next turn, once, however many ask.
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

	/** In the next turn: what this one still asks for goes along, such as a release right behind its last commit. */
	soon(): void {
		if (this.#asked || this.#stopped) return;
		this.#asked = true;
		void this.#nextTurn();
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

	async #nextTurn(): Promise<void> {
		await this.#clock.yield();
		this.#asked = false;
		if (!this.#stopped) this.#act();
	}

	stop(): void {
		this.#stopped = true;
		this.#cancel?.();
	}
}

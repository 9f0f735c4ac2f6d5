// Knows when everything that was accepted before a given moment is settled, at the price of a counter per message.

/** The messages accepted between two flushes. */
export class Stage {
	#open = 0;
	#sealed = false;
	#first: boolean;
	#next: Stage | undefined;
	#waiting: (() => void)[] = [];

	constructor(first: boolean) {
		this.#first = first;
	}

	/** A flush waits for it. */
	get awaited(): boolean {
		return this.#sealed;
	}

	/** Counts one message, until `leave`. */
	enter(): void {
		this.#open++;
	}

	leave(): void {
		this.#open--;
		this.#check();
	}

	/** Nothing enters from now on but what belongs to a message list that entered before; `next` follows. */
	seal(next: Stage): Promise<void> {
		this.#sealed = true;
		this.#next = next;
		const done = new Promise<void>((resolve) => this.#waiting.push(resolve));
		this.#check();
		return done;
	}

	#check(): void {
		if (this.#open > 0 || !this.#sealed || !this.#first) return;
		for (const resolve of this.#waiting) resolve();
		this.#waiting = [];
		const next = this.#next;
		this.#next = undefined;
		if (!next) return;
		next.#first = true;
		next.#check();
	}
}

export class FlushBarrier {
	#stage = new Stage(true);

	/** What a message enters that is accepted now. */
	get current(): Stage {
		return this.#stage;
	}

	/** Resolves when every message that entered before has left. */
	flush(): Promise<void> {
		const before = this.#stage;
		this.#stage = new Stage(false);
		return before.seal(this.#stage);
	}
}

/** Wakes whoever waits. Check the condition, then `wait` in the same turn: no ring is missed. */
export class Bell {
	#waiting: (() => void)[] = [];
	readonly #parent: Bell | undefined;

	/** `parent` rings along. */
	constructor(parent?: Bell) {
		this.#parent = parent;
	}

	ring(): void {
		this.#parent?.ring();
		if (this.#waiting.length === 0) return;
		const waiting = this.#waiting;
		this.#waiting = [];
		for (const wake of waiting) wake();
	}

	wait(): Promise<void> {
		return new Promise((resolve) => this.#waiting.push(resolve));
	}
}

/** A bound on handlers that run at once; who waits longest is next. */
export class Slots {
	#free: number;
	readonly #waiting: (() => void)[] = [];

	constructor(count: number) {
		this.#free = count;
	}

	/** Whether somebody waits: holders should not keep their slot for another message then. */
	get contended(): boolean {
		return this.#waiting.length > 0;
	}

	tryTake(): boolean {
		if (this.#free === 0) return false;
		this.#free--;
		return true;
	}

	async take(): Promise<void> {
		if (this.tryTake()) return;
		await new Promise<void>((resolve) => this.#waiting.push(resolve));
	}

	give(): void {
		const next = this.#waiting.shift();
		if (next) next();
		else this.#free++;
	}
}

/** Lets at most `limit` calls run at once; the others wait their turn, in order. */
export class Gate {
	readonly #limit: number;
	readonly #waiting: (() => void)[] = [];
	#running = 0;

	constructor(limit: number) {
		this.#limit = limit;
	}

	async run<T>(call: () => Promise<T>): Promise<T> {
		if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
		else this.#running += 1;
		try {
			return await call();
		} finally {
			const next = this.#waiting.shift();
			if (next) next();
			else this.#running -= 1;
		}
	}
}

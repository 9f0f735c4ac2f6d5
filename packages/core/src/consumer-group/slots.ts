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

	/** False if the signal aborted before there was one. */
	async take(signal?: AbortSignal): Promise<boolean> {
		if (signal?.aborted) return false;
		if (this.tryTake()) return true;
		return new Promise((resolve) => {
			const granted = () => {
				signal?.removeEventListener("abort", gaveUp);
				resolve(true);
			};
			const gaveUp = () => {
				this.#waiting.splice(this.#waiting.indexOf(granted), 1);
				resolve(false);
			};
			this.#waiting.push(granted);
			signal?.addEventListener("abort", gaveUp, { once: true });
		});
	}

	give(): void {
		const next = this.#waiting.shift();
		if (next) next();
		else this.#free++;
	}
}

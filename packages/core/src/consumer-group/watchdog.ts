// Notices handlers that run past `maxHandlerMs`. One timer for all of them.
import type { Clock } from "../clock.ts";

export class Watchdog<K extends object> {
	readonly #clock: Clock;
	readonly #limitMs: number;
	readonly #expired: (handler: K) => void;
	readonly #running = new Map<K, number>();
	#cancel: (() => void) | undefined;

	constructor(clock: Clock, limitMs: number, expired: (handler: K) => void) {
		this.#clock = clock;
		this.#limitMs = limitMs;
		this.#expired = expired;
	}

	start(handler: K): void {
		if (this.#limitMs === Infinity) return;
		this.#running.set(handler, this.#clock.now() + this.#limitMs);
		this.#cancel ??= this.#clock.after(this.#limitMs, () => this.#look());
	}

	/** False if it was too late. */
	stop(handler: K): boolean {
		return this.#limitMs === Infinity || this.#running.delete(handler);
	}

	#look(): void {
		this.#cancel = undefined;
		const now = this.#clock.now();
		for (const [handler, deadline] of this.#running) {
			if (deadline > now) {
				// In the order of their start: the first that is not due tells when to look again.
				this.#cancel = this.#clock.after(deadline - now, () => this.#look());
				return;
			}
			this.#running.delete(handler);
			this.#expired(handler);
		}
	}

	close(): void {
		this.#cancel?.();
		this.#running.clear();
	}
}

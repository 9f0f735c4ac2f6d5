// One direction of a proxied connection: bytes pass at once, later, when the cut is over, or never.
import type { Socket } from "node:net";

/**
 * What happens to bytes: passed on; held back until they pass again, as TCP does across a cut network; or swallowed
 * without a word (after that the connection is of no use).
 */
export type Flow = "pass" | "hold" | "black-hole";

export interface Rules {
	flow: Flow;
	delayMs: number;
}

export class Pipe {
	readonly #to: Socket;
	readonly #rules: Rules;
	/** In order; a chunk never overtakes another, also when the delay changes. */
	readonly #waiting: { readonly chunk: Buffer; readonly due: number }[] = [];
	#timer: NodeJS.Timeout | undefined;
	#last = false;

	constructor(to: Socket, rules: Rules) {
		this.#to = to;
		this.#rules = rules;
	}

	write(chunk: Buffer): void {
		if (this.#rules.flow === "black-hole") return;
		this.#waiting.push({ chunk, due: performance.now() + this.#rules.delayMs });
		this.pump();
	}

	/** Passes on what may pass now; called again when the rules change. */
	pump(): void {
		clearTimeout(this.#timer);
		if (this.#rules.flow !== "pass") return;
		for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
			const waitMs = Math.min(next.due - performance.now(), this.#rules.delayMs);
			if (waitMs > 0) {
				this.#timer = setTimeout(() => this.pump(), Math.ceil(waitMs));
				return;
			}
			this.#waiting.shift();
			if (!this.#to.destroyed) this.#to.write(next.chunk);
		}
		if (this.#last) this.#to.end();
	}

	/** The sender has closed: what it sent before still arrives, after a cut too. */
	finish(): void {
		this.#last = true;
		this.pump();
	}

	end(): void {
		clearTimeout(this.#timer);
		this.#waiting.length = 0;
	}
}

// The line in front of the buffer: first come, first served, whoever waits for an encoder or for room.

import type { PolylogError } from "../errors.ts";

export interface Entrant {
	/** Lets in what can go in now. True when there is no more of it. */
	enter(): boolean;
	/** When it gives up, on the clock's `now`. */
	readonly deadline: number;
	/** Fails what has not gone in. */
	expire(error: PolylogError): void;
}

export class Intake {
	#line: Entrant[] = [];
	#draining = false;

	get empty(): boolean {
		return this.#line.length === 0;
	}

	/** The earliest of all: a list at the head that makes progress moves its own. */
	get deadline(): number {
		return this.#line.reduce((earliest, entrant) => Math.min(earliest, entrant.deadline), Infinity);
	}

	add(entrant: Entrant): void {
		this.#line.push(entrant);
		this.drain();
	}

	/** Something may have changed for the first in the line. */
	drain(): void {
		// Letting one in can settle another, and come back here.
		if (this.#draining) return;
		this.#draining = true;
		let done = 0;
		while (this.#line[done]?.enter()) done++;
		if (done > 0) this.#line.splice(0, done);
		this.#draining = false;
	}

	/** Gives up those whose deadline has come. */
	expire(now: number, error: () => PolylogError): void {
		for (const entrant of this.#line) if (entrant.deadline <= now) entrant.expire(error());
		this.drain();
	}

	clear(error: PolylogError): void {
		for (const entrant of this.#line) entrant.expire(error);
		this.drain();
	}
}

import type { Random } from "./clock.ts";

/** A random source that a seed decides, so that what it decided can be run again: mulberry32. For tests and simulators. */
export class SeededRandom implements Random {
	#state: number;

	/** Streams of one seed that are named differently have nothing to do with each other. */
	constructor(seed: number | string, stream = "") {
		let hash = 2_166_136_261;
		for (const char of `${seed}/${stream}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619);
		this.#state = hash >>> 0;
	}

	fraction(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	}

	hex(bytes: number): string {
		let text = "";
		for (let i = 0; i < bytes; i++) text += this.integer(0, 255).toString(16).padStart(2, "0");
		return text;
	}

	/** An integer from `least` to `most`, both included. */
	integer(least: number, most: number): number {
		return least + Math.floor(this.fraction() * (most - least + 1));
	}

	/** An integer from 0 on, below `limit`. */
	below(limit: number): number {
		return this.integer(0, limit - 1);
	}

	bytes(length: number): Uint8Array {
		return Uint8Array.from({ length }, () => this.below(256));
	}

	/** Eight letters and digits, for what nobody else calls so. */
	name(): string {
		return Array.from({ length: 8 }, () => this.below(36).toString(36)).join("");
	}

	between(least: number, most: number): number {
		return least + this.fraction() * (most - least);
	}

	chance(probability: number): boolean {
		return this.fraction() < probability;
	}

	pick<T>(values: readonly T[]): T {
		return values[this.integer(0, values.length - 1)] as T;
	}

	shuffle<T>(values: readonly T[]): T[] {
		const shuffled = [...values];
		for (let i = shuffled.length - 1; i > 0; i--) {
			const j = this.integer(0, i);
			[shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
		}
		return shuffled;
	}
}

// A seeded source of randomness, so that a case can be run again.

export class Seeded {
	#state: number;

	constructor(seed: string) {
		let hash = 2166136261;
		for (const char of seed) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
		this.#state = hash >>> 0;
	}

	/** In [0, 1): mulberry32. */
	fraction(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	}

	/** From `from` up to `to`. */
	between(from: number, to: number): number {
		return from + this.fraction() * (to - from);
	}

	pick<T>(from: readonly T[]): T {
		const chosen = from[Math.floor(this.fraction() * from.length)];
		if (chosen === undefined) throw new RangeError("nothing to pick from");
		return chosen;
	}

	name(): string {
		return Array.from({ length: 6 }, () => Math.floor(this.fraction() * 36).toString(36)).join("");
	}
}

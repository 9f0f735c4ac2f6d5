// A seeded source of randomness and of names, so that a run can be repeated.

export class Seeded {
	#state: number;

	constructor(seed: string) {
		let hash = 2166136261;
		for (const char of seed) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
		this.#state = hash >>> 0;
	}

	/** A float in [0, 1): mulberry32. */
	fraction(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	}

	/** An integer in [0, below). */
	integer(below: number): number {
		return Math.floor(this.fraction() * below);
	}

	bytes(length: number): Uint8Array {
		return Uint8Array.from({ length }, () => this.integer(256));
	}

	name(): string {
		return Array.from({ length: 8 }, () => this.integer(36).toString(36)).join("");
	}
}

// A checksum over the whole journal, and a memory of its latest values: an alarm for readers that disagree.
import { murmur2 } from "../murmur2.ts";

export function entryDigest(bytes: Uint8Array): number {
	return murmur2(bytes);
}

export function mixChain(chain: number, bytes: Uint8Array): number {
	const turned = ((chain << 5) | (chain >>> 27)) ^ entryDigest(bytes);
	return Math.imul(turned, 0x9e3779b1) >>> 0;
}

/** The chain at each of the latest indexes, as this reader computed it. */
export class ChainRing {
	readonly #values: Uint32Array;
	#first = 1;
	#next = 1;

	constructor(size: number) {
		this.#values = new Uint32Array(size);
	}

	/** Forgets everything: what follows is another log, or another place in it. */
	restart(index: number): void {
		this.#first = this.#next = index + 1;
	}

	push(index: number, chain: number): void {
		this.#values[index % this.#values.length] = chain;
		this.#next = index + 1;
		this.#first = Math.max(this.#first, this.#next - this.#values.length);
	}

	at(index: number): number | undefined {
		return index >= this.#first && index < this.#next ? this.#values[index % this.#values.length] : undefined;
	}
}

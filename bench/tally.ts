// Counts what a consumer's handler gets, and when: the speed is taken from the first delivery to the last.
import { VALUE_BYTES } from "./contender.ts";
import { type Instant, type Speed, speed } from "./stopwatch.ts";

interface Valued {
	readonly value: Uint8Array | null;
}

export class Tally {
	readonly done: Promise<void>;
	readonly #expected: number;
	readonly #resolve: () => void;
	readonly #now: () => Instant;
	#count = 0;
	#bytes = 0;
	/** What came with the first delivery was fetched before the watch was started. */
	#before = 0;
	#start: Instant | undefined;
	#end: Instant | undefined;

	constructor(expected: number, now: () => Instant) {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.done = promise;
		this.#expected = expected;
		this.#resolve = resolve;
		this.#now = now;
	}

	get full(): boolean {
		return this.#count >= this.#expected;
	}

	/** A handler of single messages. */
	readonly message = ({ value }: Valued): void => {
		this.#bytes += value?.length ?? 0;
		this.#counted(1);
	};

	/** A handler of batches. */
	readonly batch = (messages: readonly Valued[]): void => {
		for (const { value } of messages) this.#bytes += value?.length ?? 0;
		this.#counted(messages.length);
	};

	/** Throws if what came is not what was sent: a wrong answer has no speed. */
	speed(): Speed {
		if (this.#count !== this.#expected || this.#bytes !== this.#expected * VALUE_BYTES || !this.#start || !this.#end)
			throw new Error(`expected ${this.#expected} messages of ${VALUE_BYTES} B, got ${this.#count} with ${this.#bytes} B in all`);
		return speed(this.#count - this.#before, this.#start, this.#end);
	}

	#counted(count: number): void {
		if (!this.#start) {
			this.#start = this.#now();
			this.#before = count;
		}
		this.#count += count;
		if (!this.full) return;
		this.#end = this.#now();
		this.#resolve();
	}
}

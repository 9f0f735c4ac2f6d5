// Time that moves only from one due event to the next. Between two events every promise that can go on does: Node's own
// order of microtasks is fixed, so nothing but the seed decides what happens.
import { systemClock } from "@polylog/core/testing";
import type { Clock } from "@polylog/core/driver";

/** What the simulated wall clocks show at the beginning. */
export const WALL_START = Date.UTC(2030, 0, 1);

/** Turns of the event loop that are asked for at once: each costs a poll of the system otherwise. */
const TURNS = 64;

interface Event {
	readonly at: number;
	/** Breaks ties: what was asked for first comes first. */
	readonly order: number;
	fire: (() => void) | undefined;
}

export class VirtualTime {
	readonly #heap: Event[] = [];
	#now = 0;
	#order = 0;
	#fired = 0;
	/** Of a place where nothing ever stops: the network and the broker. */
	readonly clock: Clock;

	constructor() {
		this.clock = {
			now: () => this.#now,
			wall: () => WALL_START + Math.floor(this.#now),
			after: (delayMs, callback) => this.after(delayMs, callback),
			yield: () => new Promise((resolve) => this.after(0, resolve)),
		};
	}

	/** Virtual milliseconds since the beginning. */
	get now(): number {
		return this.#now;
	}

	/** Events so far. */
	get fired(): number {
		return this.#fired;
	}

	after(delayMs: number, fire: () => void): () => void {
		const event: Event = { at: this.#now + Math.max(0, delayMs), order: this.#order++, fire };
		this.#push(event);
		return () => {
			event.fire = undefined;
		};
	}

	/** Fires event after event until `over` says so, or none is left. Rejects with what an event throws. */
	async run(over: () => boolean): Promise<void> {
		let ended = false;
		const step = () => {
			if (ended) return;
			if (over() || !this.#fireNext()) ended = true;
		};
		while (!ended) {
			const turns: Promise<void>[] = [];
			for (let i = 0; i < TURNS; i++) turns.push(systemClock.yield().then(step));
			await Promise.all(turns);
		}
	}

	#fireNext(): boolean {
		for (let event = this.#pop(); event; event = this.#pop()) {
			const { fire } = event;
			if (!fire) continue;
			this.#now = event.at;
			this.#fired++;
			fire();
			return true;
		}
		return false;
	}

	#push(event: Event): void {
		const heap = this.#heap;
		let place = heap.push(event) - 1;
		while (place > 0) {
			const parent = (place - 1) >> 1;
			if (before(heap[parent] as Event, event)) break;
			heap[place] = heap[parent] as Event;
			place = parent;
		}
		heap[place] = event;
	}

	#pop(): Event | undefined {
		const heap = this.#heap;
		const first = heap[0];
		const last = heap.pop();
		if (!first || !last || first === last) return first;
		let place = 0;
		for (;;) {
			let child = 2 * place + 1;
			if (child >= heap.length) break;
			if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
			if (before(last, heap[child] as Event)) break;
			heap[place] = heap[child] as Event;
			place = child;
		}
		heap[place] = last;
		return first;
	}
}

function before(a: Event, b: Event): boolean {
	return a.at < b.at || (a.at === b.at && a.order < b.order);
}

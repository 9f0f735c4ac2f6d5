// Takes one lane's messages one at a time, in order: `order: "partition"`.
import type { Message } from "../api/message.ts";
import type { Clock } from "../clock.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { awaitWork, type WorkerParts } from "./worker.ts";

/** How long a worker may go on without giving timers and I/O their turn. */
const TURN_MS = 10;
/** The clock is asked once in so many messages. */
const TURN_CHECK = 64;

export async function serialWorker<T>(parts: WorkerParts, delivery: Delivery<T>, handle: (message: Message<T>) => unknown): Promise<void> {
	while (await awaitWork(parts)) {
		await parts.slots.take();
		try {
			await takeTurn(parts, delivery, handle);
		} finally {
			parts.slots.give();
		}
		await parts.clock.yield();
	}
}

async function takeTurn<T>(
	{ lane, slots, clock, stopped }: WorkerParts,
	delivery: Delivery<T>,
	handle: (message: Message<T>) => unknown,
): Promise<void> {
	const turn = new Turn(clock);
	while (!stopped()) {
		const held = lane.take();
		if (!held) return;
		const pending = delivery.deliver(lane, held, handle);
		if (pending) await pending;
		if (slots.contended || turn.over()) return;
	}
}

class Turn {
	readonly #clock: Clock;
	readonly #end: number;
	#count = 0;

	constructor(clock: Clock) {
		this.#clock = clock;
		this.#end = clock.now() + TURN_MS;
	}

	over(): boolean {
		return ++this.#count % TURN_CHECK === 0 && this.#clock.now() >= this.#end;
	}
}

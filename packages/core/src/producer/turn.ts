// Brings together what is sent in one turn of the event loop: the queues are pumped once, in the next.
import type { Clock } from "../clock.ts";
import type { PartitionQueue } from "./partition-queue.ts";

export class Turn {
	readonly #clock: Clock;
	readonly #before: () => void;
	#queues: PartitionQueue[] = [];

	constructor(clock: Clock, before: () => void) {
		this.#clock = clock;
		this.#before = before;
	}

	arrange(queue: PartitionQueue): void {
		this.#queues.push(queue);
		if (this.#queues.length === 1) void this.#clock.yield().then(() => this.#pump());
	}

	#pump(): void {
		const queues = this.#queues;
		this.#queues = [];
		this.#before();
		for (const queue of queues) queue.pump();
	}
}

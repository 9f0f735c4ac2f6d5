// One `run` or `runBatches` call: a worker for every lane, old and new, until it is stopped.
import type { Clock } from "../clock.ts";
import type { PartitionLane } from "./partition-lane.ts";
import { Slots } from "./slots.ts";
import type { WorkerParts } from "./worker.ts";

export class Run {
	readonly #slots: Slots;
	readonly #clock: Clock;
	readonly #work: (parts: WorkerParts) => Promise<void>;
	readonly #workers = new Map<PartitionLane, Promise<void>>();
	readonly #onError: (error: unknown) => void;
	#stopped = false;

	constructor(parts: {
		readonly clock: Clock;
		readonly concurrency: number;
		readonly work: (parts: WorkerParts) => Promise<void>;
		readonly onError: (error: unknown) => void;
	}) {
		this.#slots = new Slots(parts.concurrency);
		this.#clock = parts.clock;
		this.#work = parts.work;
		this.#onError = parts.onError;
	}

	add(lane: PartitionLane): void {
		if (this.#stopped || this.#workers.has(lane)) return;
		const worker = this.#work({ lane, slots: this.#slots, clock: this.#clock, stopped: () => this.#stopped });
		this.#workers.set(
			lane,
			worker.catch(this.#onError).finally(() => this.#workers.delete(lane)),
		);
	}

	/** No new message is started; resolves when the running ones are done. */
	async stop(): Promise<void> {
		this.#stopped = true;
		for (const lane of this.#workers.keys()) lane.changed.ring();
		await Promise.all(this.#workers.values());
	}
}

// One `run` or `runBatches` call: a worker for every lane, old and new, until it is stopped.
import type { Clock } from "../clock.ts";
import type { PartitionLane } from "./partition-lane.ts";
import type { Slots } from "./slots.ts";
import type { WorkerParts } from "./worker.ts";

export class Run {
	readonly #slots: Slots;
	readonly #stopping: AbortController;
	readonly #clock: Clock;
	readonly #work: (parts: WorkerParts) => Promise<void>;
	readonly #workers = new Map<PartitionLane, Promise<void>>();
	readonly #onError: (error: unknown) => void;

	constructor(parts: {
		readonly clock: Clock;
		readonly slots: Slots;
		/** Aborted by `stop`. */
		readonly stopping: AbortController;
		readonly work: (parts: WorkerParts) => Promise<void>;
		readonly onError: (error: unknown) => void;
	}) {
		this.#slots = parts.slots;
		this.#stopping = parts.stopping;
		this.#clock = parts.clock;
		this.#work = parts.work;
		this.#onError = parts.onError;
	}

	add(lane: PartitionLane): void {
		const { signal } = this.#stopping;
		if (signal.aborted || this.#workers.has(lane)) return;
		const worker = this.#work({ lane, slots: this.#slots, clock: this.#clock, stopped: () => signal.aborted });
		this.#workers.set(
			lane,
			worker
				.then(() => lane.workEnded())
				.catch(this.#onError)
				.finally(() => this.#workers.delete(lane)),
		);
	}

	/** No new message is started; resolves when the running ones are done. */
	async stop(): Promise<void> {
		this.#stopping.abort(new Error("the run ends"));
		for (const lane of this.#workers.keys()) lane.changed.ring();
		await Promise.all(this.#workers.values());
	}
}

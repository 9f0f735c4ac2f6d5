// Handlers of ownerships that are over, as long as they still run here: a partition never has two of them in one process.
import type { Partition } from "../partition.ts";
import type { PartitionLane } from "./partition-lane.ts";

export class EarlierHandlers {
	readonly #running = new Map<string, Promise<void>>();
	/** Partitions given up because a handler hangs, and why; until it returns they cannot be worked here. */
	readonly #hung = new Map<string, string>();
	readonly #onReturned: (partition: Partition) => void;

	/** `onReturned`: nothing of a partition that was given up for a handler that hung runs here any more. */
	constructor(onReturned: (partition: Partition) => void) {
		this.#onReturned = onReturned;
	}

	/** An ownership is over. */
	add(lane: PartitionLane): void {
		if (lane.running === 0) return;
		const returned = Promise.all([this.#running.get(lane.key), lane.drained()]).then(() => {
			if (this.#running.get(lane.key) === returned) this.#forget(lane);
		});
		this.#running.set(lane.key, returned);
	}

	hang(key: string, reason: string): void {
		this.#hung.set(key, reason);
	}

	/** Why the partition cannot be worked here. */
	hung(key: string): string | undefined {
		return this.#hung.get(key);
	}

	/** Resolves when none of the lane's partition runs here, or this ownership is over as well. */
	async returned(lane: PartitionLane): Promise<void> {
		const running = this.#running.get(lane.key);
		if (!running) return;
		const over = Promise.withResolvers<void>();
		lane.halt.addEventListener("abort", () => over.resolve(), { once: true });
		if (lane.halt.aborted) over.resolve();
		await Promise.race([running, over.promise]);
	}

	async allReturned(): Promise<void> {
		await Promise.all(this.#running.values());
	}

	#forget({ key, partition }: PartitionLane): void {
		this.#running.delete(key);
		if (this.#hung.delete(key)) this.#onReturned(partition);
	}
}

// Shows accepted commits in the broker's own tools: best effort, one call at a time, the latest wins.
import type { JournalStore } from "../driver/journal-log.ts";
import type { Log } from "../log.ts";
import type { Offset } from "../offset.ts";
import type { Partition } from "../partition.ts";
import { PartitionMap } from "../partition-map.ts";

export class Mirror {
	readonly #journals: JournalStore;
	readonly #group: string;
	readonly #log: Log;
	#waiting = new PartitionMap<Offset>();
	#busy = false;
	#warned = false;

	constructor(journals: JournalStore, group: string, log: Log) {
		this.#journals = journals;
		this.#group = group;
		this.#log = log;
	}

	show(committed: Iterable<readonly [Partition, Offset]>): void {
		if (!this.#journals.mirror) return;
		for (const [partition, offset] of committed) this.#waiting.set(partition, offset);
		if (!this.#busy && this.#waiting.size > 0) void this.#send();
	}

	async #send(): Promise<void> {
		this.#busy = true;
		while (this.#waiting.size > 0) {
			const batch = this.#waiting;
			this.#waiting = new PartitionMap();
			try {
				await this.#journals.mirror?.(this.#group, batch);
			} catch {
				// The journal holds the truth; an outage would repeat this for every commit.
				if (!this.#warned) this.#log.warn(`offsets of group "${this.#group}" cannot be shown in the broker's own tools`);
				this.#warned = true;
			}
		}
		this.#busy = false;
	}
}

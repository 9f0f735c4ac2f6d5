// Whether a group's topics have other partitions than its plan knew: looked at from time to time.
import type { GroupContext } from "./context.ts";
import { partitionCounts } from "./joining.ts";

/** Only the leader plans; the others look for added partitions less often, in case it does not. */
const FOLLOWER_AGES = 4;

export class Growth {
	readonly #context: GroupContext;
	readonly #topics: readonly string[];
	readonly #signal: AbortSignal;
	#counts: ReadonlyMap<string, number>;
	#lookAt = Infinity;

	constructor(context: GroupContext, topics: readonly string[], counts: ReadonlyMap<string, number>, signal: AbortSignal) {
		this.#context = context;
		this.#topics = topics;
		this.#counts = counts;
		this.#signal = signal;
	}

	/** What a plan counted on. */
	planned(counts: ReadonlyMap<string, number>): void {
		this.#counts = counts;
	}

	/** When to look next, in ms of the clock. */
	get lookAt(): number {
		return this.#lookAt;
	}

	/** Sets when to look next. */
	wait({ leads }: { readonly leads: boolean }): void {
		const { clock, settings } = this.#context;
		this.#lookAt = clock.now() + settings.metadataMaxAgeMs * (leads ? 1 : FOLLOWER_AGES);
	}

	/** False too where the cluster cannot be asked now. */
	async hasGrown(): Promise<boolean> {
		try {
			const now = await partitionCounts(this.#context, this.#topics, this.#signal);
			const changed = this.#topics.some((topic) => now.get(topic) !== this.#counts.get(topic));
			if (changed) this.#counts = now;
			return changed;
		} catch {
			return false;
		}
	}
}

// Which members ended without handing over, wholly or for a partition: what that excuses, the judges decide.
import type { HistoryEvent } from "./event.ts";

export class Endings {
	readonly #unclean = new Set<string>();

	take(event: HistoryEvent): void {
		if (event.kind === "ended" && event.how !== "closed") this.#unclean.add(event.member);
		if (event.kind === "lost") for (const partition of event.partitions) this.#unclean.add(`${event.member}|${partition}`);
	}

	unclean(member: string, partition: string): boolean {
		return this.#unclean.has(member) || this.#unclean.has(`${member}|${partition}`);
	}
}

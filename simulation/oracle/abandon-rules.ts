// A member that gave a partition up because its handler hangs does not get it back before that handler has returned.
import type { GroupState } from "@polylog/core/testing";
import type { Before } from "./before.ts";
import type { Verdicts } from "./verdicts.ts";
import { itemsOf, type WireEntry } from "./wire-entry.ts";

export class AbandonRules {
	readonly #verdicts: Verdicts;
	/** By partition: who must not have it. */
	readonly #barred = new Map<string, Set<string>>();

	constructor(verdicts: Verdicts) {
		this.#verdicts = verdicts;
	}

	judge(state: GroupState, before: Before, wire: WireEntry): void {
		for (const [partition, owner] of state.owner) {
			if (before.owner.get(partition)?.member === owner.member || this.#barred.get(partition)?.has(owner.member) !== true) continue;
			this.#verdicts.report("given-back-hung", `${partition} was given to ${owner.member}, whose handler of it still hangs`);
		}
		if (wire.kind !== "member") return;
		for (const [partition, fence] of itemsOf(wire, "a")) {
			const owner = before.owner.get(String(partition));
			if (owner?.member === wire.author && owner.fence === fence) this.#bar(String(partition), wire.author);
		}
		for (const partition of itemsOf(wire, "b")) this.#barred.get(String(partition))?.delete(wire.author);
	}

	/** The journal lost its tail. */
	forget(): void {
		this.#barred.clear();
	}

	#bar(partition: string, member: string): void {
		this.#barred.set(partition, (this.#barred.get(partition) ?? new Set()).add(member));
	}
}

// How long a dead member may hold what it owned: its session, two of its heartbeats, and 2 s. Asked only where nothing else
// goes wrong meanwhile and somebody was there, undisturbed, to take over.
import type { JournalOracle } from "./journal-oracle.ts";
import type { Verdicts } from "./verdicts.ts";

const MARGIN_MS = 2000;

export interface TakeOverFacts {
	now(): number;
	after(ms: number, callback: () => void): void;
	/** The group, if it was healthy from `fromMs` until now, but for the death of `client`. */
	healthySince(fromMs: number, client: string): boolean;
}

export class TakeOverOracle {
	readonly #verdicts: Verdicts;
	readonly #journal: JournalOracle;
	readonly #facts: TakeOverFacts;
	/** Take-overs that were judged. */
	judged = 0;

	constructor(verdicts: Verdicts, journal: JournalOracle, facts: TakeOverFacts) {
		this.#verdicts = verdicts;
		this.#journal = journal;
		this.#facts = facts;
	}

	/** The process of `client` was killed. */
	died(client: string): void {
		const { state, clients } = this.#journal;
		for (const [id, { sessionTimeoutMs }] of state.members) {
			if (clients.get(id) !== client) continue;
			const held = [...state.owner].filter(([, { member }]) => member === id).map(([partition]) => partition);
			const since = this.#facts.now();
			const withinMs = sessionTimeoutMs + (2 * sessionTimeoutMs) / 3 + MARGIN_MS;
			this.#facts.after(withinMs, () => this.#judge(client, id, held, since, withinMs));
		}
	}

	#judge(client: string, id: string, held: readonly string[], since: number, withinMs: number): void {
		if (!this.#facts.healthySince(since, client)) return;
		this.judged++;
		const { state } = this.#journal;
		const late = (text: string) => this.#verdicts.report("late-take-over", `${withinMs.toFixed(0)} ms after ${client} died ${text}`);
		if (state.members.has(id)) late("it still is a member");
		for (const partition of held) if (!state.owner.has(partition)) late(`${partition} has no owner`);
	}
}

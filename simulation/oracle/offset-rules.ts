// Judges every change of a committed offset: by whom, to where, and whether what lies before it was handled.
import type { GroupState } from "@polylog/core/testing";
import type { Before } from "./before.ts";
import type { OwnershipHistory } from "./ownership-history.ts";
import type { Verdicts } from "./verdicts.ts";
import { itemsOf, type WireEntry, type WireEvent } from "./wire-entry.ts";

export interface OffsetFacts {
	/** Everything below is handled. */
	handledTo(partition: string): bigint;
	/** Whether the end of a lost tail could not be told from what stands there now: what may then be skipped is told, and no violation. */
	mistaken(partition: string, from: bigint, to: bigint): boolean;
	/** Whether the record that proves a place stands there now; where it does not, the next owner finds out before it skips anything. */
	stands(partition: string, offset: bigint, digest: string): boolean;
	/** Why the group may not start there; `undefined`: it may, and what lies before it is nobody's to handle. */
	startsAt(partition: string, offset: bigint, endAtGrant: bigint): string | undefined;
	onReset(partition: string, offset: bigint): void;
}

export class OffsetRules {
	readonly #verdicts: Verdicts;
	readonly #history: OwnershipHistory;
	readonly #facts: OffsetFacts;
	/** Admin entries that had an effect. */
	readonly #applied = new Set<string>();
	/** Entries of members that were stored, and lost with the journal's tail: copies of them may come late. */
	readonly #lost = new Set<string>();

	constructor(verdicts: Verdicts, history: OwnershipHistory, facts: OffsetFacts) {
		this.#verdicts = verdicts;
		this.#history = history;
		this.#facts = facts;
	}

	judge(state: GroupState, before: Before, wire: WireEntry): void {
		for (const [partition, { offset, index }] of state.offsets) {
			if (index !== state.index) continue;
			if (wire.kind === "admin") this.#judgeReset(partition, offset, wire);
			else this.#judgeCommit(partition, offset, before, wire);
		}
	}

	/** The journal lost these entries. */
	cut(lost: readonly WireEntry[]): void {
		this.#applied.clear();
		for (const { author, seq } of lost) this.#lost.add(`${author} ${seq}`);
	}

	#judgeReset(partition: string, offset: bigint, wire: WireEntry): void {
		if (this.#applied.has(`${wire.author} ${partition}`)) this.#verdicts.report("reset-dup", `a copy of a reset moved ${partition} again`);
		this.#applied.add(`${wire.author} ${partition}`);
		this.#facts.onReset(partition, offset);
	}

	#judgeCommit(partition: string, offset: bigint, before: Before, wire: WireEntry): void {
		const old = before.offsets.get(partition);
		const owner = before.owner.get(partition);
		const item = itemsOf(wire, "c").find(([named]) => named === partition);
		if (!item || owner?.member !== wire.author || owner.fence !== item[1] || String(item[2]) !== offset.toString()) {
			this.#verdicts.report("commit-fence", `${partition} was set to ${offset} by ${wire.author}, which did not own it under that fence`);
		}
		if (old !== undefined && offset < old && !isRewind(item))
			this.#verdicts.report("commit-regression", `the committed offset of ${partition} fell from ${old} to ${offset}`);
		if (old === undefined && !isProven(item)) this.#judgeStart(partition, offset);
		const handled = this.#facts.handledTo(partition);
		if (
			offset > handled &&
			offset > (old ?? 0n) &&
			!this.#isLate(partition, wire, item) &&
			!this.#facts.mistaken(partition, handled, offset)
		)
			this.#verdicts.report("commit-unhandled", `${partition} was committed to ${offset}, but only what is below ${handled} was handled`);
	}

	/** A copy of a commit from before the loss, whose record is lost, too. */
	#isLate(partition: string, { author, seq }: WireEntry, item: WireEvent | undefined): boolean {
		if (!this.#lost.has(`${author} ${seq}`) || !item || !isProven(item)) return false;
		return !this.#facts.stands(partition, BigInt(String(item[3])), String(item[4]));
	}

	/** The group has never been on the partition: this is where it starts. */
	#judgeStart(partition: string, offset: bigint): void {
		const grant = this.#history.current(partition);
		if (!grant) return;
		const why = this.#facts.startsAt(partition, offset, grant.end);
		if (why !== undefined) this.#verdicts.report("start", `the group started ${partition} at ${offset}: ${why}`);
		grant.next ??= offset;
	}
}

function isRewind(item: WireEvent | undefined): boolean {
	return item?.[5] === 1;
}

/** Whether it names the last record that was processed. */
function isProven(item: WireEvent | undefined): boolean {
	return typeof item?.[4] === "string";
}

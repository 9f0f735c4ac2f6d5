// What became of the partitions of a member that went away.
import assert from "node:assert/strict";
import { fair } from "@polylog/conformance";
import type { Player } from "./player.ts";
import { until } from "./waiting.ts";

export interface Takeover {
	readonly partition: string;
	/** From the fault to the first message at the new owner. */
	readonly tookMs: number;
	/** What counts of it: not all of the time in which those concerned waited for a processor. */
	readonly fairMs: number;
	/** Messages that the old owner had been handed already. */
	readonly repeated: number;
}

export interface Fault {
	readonly victim: Player;
	readonly heirs: readonly Player[];
	/** What the victim owned, and when it was struck. */
	readonly orphans: readonly string[];
	readonly at: number;
}

/** Waits until each orphan flows again; fails if a new owner began anywhere but at the committed offset. */
export async function takenOver({ victim, heirs, orphans, at }: Fault, ms: number): Promise<Takeover[]> {
	const firstOf = (partition: string) =>
		heirs.flatMap((heir) => heir.started(at).filter((event) => event.partition === partition)).toSorted((a, b) => a.at - b.at)[0];
	const waited = () => [victim, ...heirs].reduce((sum, { body }) => sum + body.waited(), 0);
	const before = waited();
	await until(
		// The victim is asked all the time, since it may end.
		() => waited() >= before && orphans.every((partition) => firstOf(partition)),
		() =>
			`the survivors take over ${orphans.filter((partition) => !firstOf(partition)).join(", ")} (${heirs.map((heir) => heir.tail()).join(" | ")})`,
		ms + 20_000,
	);
	const waitedMs = waited() - before;
	return orphans.map((partition) => {
		const first = firstOf(partition);
		assert.ok(first);
		const had = victim.started().filter((event) => event.partition === partition && event.at <= at + 25);
		const committed = victim.committed().get(partition);
		const lastDelivered = had.reduce((most, { offset }) => (offset > most ? offset : most), -1n);
		if (committed !== undefined) {
			assert.ok(first.offset >= committed, `${partition} went on at ${first.offset}, below the committed ${committed}`);
			const skipped = had.filter(({ offset }) => offset >= committed && offset < first.offset);
			// A commit that was accepted and not told yet, when the member died, covers them.
			assert.ok(
				skipped.length === 0 || first.offset <= lastDelivered + 1n,
				`${partition} went on at ${first.offset}, beyond what was delivered`,
			);
		}
		const repeated = had.filter(({ offset }) => offset >= first.offset).length;
		const tookMs = first.at - at;
		return { partition, tookMs, fairMs: fair(tookMs, waitedMs), repeated };
	});
}

export const slowest = (takeovers: readonly Takeover[]): number => Math.max(0, ...takeovers.map(({ tookMs }) => tookMs));
export const slowestFair = (takeovers: readonly Takeover[]): number => Math.max(0, ...takeovers.map(({ fairMs }) => fairMs));
export const repeated = (takeovers: readonly Takeover[]): number => takeovers.reduce((sum, { repeated }) => sum + repeated, 0);

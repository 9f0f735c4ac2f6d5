// What producers were told against what is in the log.
import type { Partition, Receipt } from "@polylog/core";
import type { Verdicts } from "./verdicts.ts";

/** What every message says: who sent it, and as how manieth. */
export interface Sent {
	readonly by: string;
	readonly n: number;
}

export interface Log {
	readonly partition: Partition;
	readonly values: readonly Sent[];
}

export class ProducerOracle {
	readonly #verdicts: Verdicts;
	readonly #receipts: { readonly sent: Sent; readonly receipt: Receipt }[] = [];
	/** Records that the log has lost since. */
	readonly #lost = new Set<string>();

	constructor(verdicts: Verdicts) {
		this.#verdicts = verdicts;
	}

	settled(sent: Sent, receipt: Receipt, valueAt: (partition: Partition, offset: bigint) => Sent | undefined): void {
		this.#receipts.push({ sent, receipt });
		if (receipt.status !== "ok" || receipt.offset === undefined || this.#lost.has(nameOf(sent))) return;
		const found = valueAt(receipt.partition, receipt.offset);
		if (found?.by !== sent.by || found.n !== sent.n)
			this.#verdicts.report(
				"ack-lied",
				`${nameOf(sent)} was acknowledged at ${receipt.partition.index}@${receipt.offset}, where it is not`,
			);
	}

	lost(sent: Sent): void {
		this.#lost.add(nameOf(sent));
	}

	/** In the end: everything acknowledged is there, nothing refused is, and in the order of sending. */
	judge(logs: readonly Log[], idempotent: boolean): void {
		const stored = new Map<string, number>();
		for (const { partition, values } of logs) {
			const last = new Map<string, number>();
			for (const sent of values) {
				const times = (stored.get(nameOf(sent)) ?? 0) + 1;
				stored.set(nameOf(sent), times);
				if (times > 1 && idempotent && this.#lost.size === 0)
					this.#verdicts.report("producer-duplicate", `${nameOf(sent)} is in the log ${times} times`);
				if (times > 1) continue;
				if (sent.n < (last.get(sent.by) ?? -1) && this.#lost.size === 0)
					this.#verdicts.report("producer-order", `${nameOf(sent)} stands behind ${last.get(sent.by)} in partition ${partition.index}`);
				last.set(sent.by, Math.max(sent.n, last.get(sent.by) ?? -1));
			}
		}
		for (const { sent, receipt } of this.#receipts) {
			const there = stored.has(nameOf(sent));
			if (receipt.status === "ok" && !there && !this.#lost.has(nameOf(sent)))
				this.#verdicts.report("lost-write", `${nameOf(sent)} was acknowledged and is nowhere`);
			if (receipt.status === "failed" && there)
				this.#verdicts.report("failed-but-stored", `${nameOf(sent)} was said to have failed and is in the log`);
		}
	}
}

export function nameOf({ by, n }: Sent): string {
	return `${by}#${n}`;
}

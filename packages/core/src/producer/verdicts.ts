// What follows from one append's outcomes. Pure. Here order and the meaning of `failed` are decided.

export interface Judged {
	readonly status: "ok" | "failed" | "unknown";
	/** Trying again may help. */
	readonly retryable: boolean;
	/** An earlier append of the record ended `unknown`. */
	readonly maybeStored: boolean;
}

/** `again`: to be appended once more, under the same sequence. */
export type Verdict = "ok" | "failed" | "unknown" | "again";

/**
 * One verdict for each record of the append, in order.
 *
 * - A record is never called `failed` once it may have been stored.
 * - A `failed` record is repeated only if nothing after it was or may have been stored: it would come behind what was
 *   sent after it.
 * - For the same reason an `unknown` record before an `ok` one is repeated only if the broker recognizes repeats.
 */
export function verdicts(records: readonly Judged[], followed: boolean, idempotent: boolean): Verdict[] {
	const lastOk = records.findLastIndex((record) => record.status === "ok");
	const lastMaybe = followed ? records.length : records.findLastIndex((record) => record.status !== "failed");
	return records.map(({ status, retryable, maybeStored }, index) => {
		if (status === "ok") return "ok";
		const overtaken = status === "failed" ? index < lastMaybe : index < lastOk && !idempotent;
		if (retryable && !overtaken) return "again";
		return status === "unknown" || maybeStored ? "unknown" : "failed";
	});
}

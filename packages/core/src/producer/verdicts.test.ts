import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Judged, verdicts } from "./verdicts.ts";

const judged: fc.Arbitrary<Judged> = fc.record({
	status: fc.constantFrom("ok", "failed", "unknown"),
	retryable: fc.boolean(),
	maybeStored: fc.boolean(),
});
const appends = fc.tuple(fc.array(judged, { minLength: 1, maxLength: 8 }), fc.boolean(), fc.boolean());

interface Decided extends Judged {
	readonly verdict: ReturnType<typeof verdicts>[number];
	readonly after: readonly Judged[];
}

/** No append may have a record for which `wrong` holds. */
function never(wrong: (record: Decided, append: { readonly followed: boolean; readonly idempotent: boolean }) => boolean): void {
	fc.assert(
		fc.property(appends, ([records, followed, idempotent]) => {
			const decided = verdicts(records, followed, idempotent);
			return records.every(
				(record, i) => !wrong({ ...record, verdict: decided[i] ?? "ok", after: records.slice(i + 1) }, { followed, idempotent }),
			);
		}),
	);
}

describe("verdicts on an append", () => {
	test("what may have been stored is never called failed", () => {
		expect(() => never(({ verdict, status, maybeStored }) => verdict === "failed" && (status !== "failed" || maybeStored))).not.toThrow();
	});

	test("without idempotent appends nothing is repeated that a stored record has overtaken", () => {
		expect(() =>
			never(({ verdict, after }, { idempotent }) => !idempotent && verdict === "again" && after.some(({ status }) => status === "ok")),
		).not.toThrow();
	});

	test("a refused record is repeated only if nothing after it may have been stored", () => {
		expect(() =>
			never(
				({ verdict, status, after }, { followed }) =>
					verdict === "again" && status === "failed" && (followed || after.some((later) => later.status !== "failed")),
			),
		).not.toThrow();
	});

	test("ok stays ok, and what no repeating helps is not repeated", () => {
		expect(() =>
			never(({ verdict, status, retryable }) => (status === "ok") !== (verdict === "ok") || (!retryable && verdict === "again")),
		).not.toThrow();
	});
});

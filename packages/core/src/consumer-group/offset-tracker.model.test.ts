import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RawRecord } from "../driver/record.ts";
import { type Held, OffsetTracker } from "./offset-tracker.ts";

const recordAt = (offset: bigint): RawRecord => ({ offset, key: undefined, value: null, headers: [], timestamp: 0 });

describe("OffsetTracker", () => {
	it("commits only the contiguous prefix, whatever the order of completion and the gaps between offsets", () => {
		fc.assert(
			fc.property(
				fc.array(fc.record({ gap: fc.bigInt(1n, 5n), priority: fc.nat() }), { minLength: 1, maxLength: 60 }),
				fc.bigInt(0n, 1000n),
				(steps, start) => {
					const tracker = new OffsetTracker(start);
					let offset = start - 1n;
					const held: Held[] = steps.map(({ gap }) => tracker.begin(recordAt((offset += gap)), 0));
					const order = held.map((one, i) => ({ one, priority: steps[i]?.priority ?? 0 })).sort((a, b) => a.priority - b.priority);
					for (const { one } of order) {
						const moved = tracker.complete(one);
						const pending = held.find((each) => !each.done);
						const processed = held.filter((each) => each.done && (!pending || each.record.offset < pending.record.offset));
						const last = processed.at(-1)?.record;
						expect(tracker.next).toBe(last ? last.offset + 1n : start);
						expect(tracker.last).toBe(last);
						expect(moved).toBe(one.record === last || (last !== undefined && one.record.offset <= last.offset));
					}
					expect(tracker.outstanding).toBe(0);
				},
			),
		);
	});

	it("counts records behind a gap as outstanding, so that the room for more stays bounded", () => {
		const tracker = new OffsetTracker(0n);
		const first = tracker.begin(recordAt(0n), 0);
		const rest = [1n, 2n, 3n].map((offset) => tracker.begin(recordAt(offset), 0));
		for (const held of rest) expect(tracker.complete(held)).toBe(false);
		expect(tracker.outstanding).toBe(4);
		expect(tracker.complete(first)).toBe(true);
		expect(tracker.outstanding).toBe(0);
		expect(tracker.next).toBe(4n);
	});

	it("finds an outstanding record by its offset, and no other", () => {
		const tracker = new OffsetTracker(0n);
		const held = [0n, 5n, 9n].map((offset) => tracker.begin(recordAt(offset), 0));
		expect(tracker.find(5n)).toBe(held[1]);
		expect(tracker.find(6n)).toBeUndefined();
		expect(tracker.find(10n)).toBeUndefined();
	});

	it("takes back only the record delivered last", () => {
		const tracker = new OffsetTracker(0n);
		const [first, second] = [0n, 1n].map((offset) => tracker.begin(recordAt(offset), 0)) as [Held, Held];
		expect(() => tracker.withdraw(first)).toThrow(RangeError);
		tracker.withdraw(second);
		expect(tracker.outstanding).toBe(1);
	});
});

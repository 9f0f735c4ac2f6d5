// The first record at or after a time, by bisection: x-stream-offset knows timestamps only by the broker's own clock.
import type { Offset } from "@polylog/core/driver";
import type { Probe } from "./probe.ts";

/** The end if there is none; `undefined` if there is no such queue. Right where timestamps do not decrease. */
export async function findOffsetAt(probe: Probe, queue: string, timestampMs: number, signal?: AbortSignal): Promise<Offset | undefined> {
	const range = await probe.range(queue, signal);
	if (!range) return undefined;
	let low = range.earliest;
	let high = range.end;
	let found = range.end;
	while (low < high) {
		const middle = (low + high) / 2n;
		const record = await probe.recordAt(queue, middle, signal ? { signal } : {});
		// Only gaps up to the end.
		if (!record || record.offset >= high) high = middle;
		else if (record.timestamp >= timestampMs) {
			found = record.offset;
			high = middle;
		} else low = record.offset + 1n;
	}
	return found;
}

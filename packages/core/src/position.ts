// Checks where an application wants to start or to move to, before anything is asked of the broker.
import type { Position } from "./offset.ts";

/** The farthest a `Date` reaches. */
const MAX_TIME = 8.64e15;

/** Throws TypeError for what is no position, RangeError for a timestamp that is no time. */
export function checkPosition(position: Position): void {
	if (position === "earliest" || position === "latest") return;
	if (typeof position === "object" && position !== null) {
		if ("offset" in position && typeof position.offset === "bigint" && position.offset >= 0n) return;
		if (!("offset" in position) && "timestamp" in position) {
			if (Math.abs(Number(position.timestamp)) <= MAX_TIME) return;
			throw new RangeError("the timestamp of a position must be a valid Date or a number of milliseconds");
		}
	}
	throw new TypeError('a position is "earliest", "latest", { offset: bigint } or { timestamp: Date | number }');
}

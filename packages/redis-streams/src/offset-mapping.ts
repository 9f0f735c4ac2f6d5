// Stream entry ids ⇄ offsets. Pure.
//
// Entries this library appends have the dense ids 0-1, 0-2, 0-3 …: offset N-1. Entries that other programs add with `*`
// have time-based ids, which map to ms·2^64 + seq. Both rise with the id, and no two ids share an offset, so that a
// stream may hold both kinds. (Offset 2^64-1 belongs to no id: a gap.)
import type { Offset } from "@polylog/core/driver";

const SEQUENCES = 1n << 64n;

/** The id before every entry. */
export const ZERO_ID = "0-0";

export function offsetOfId(id: string): Offset {
	// The common case; parsing half of the id is what a reader does most.
	if (id.startsWith("0-")) return BigInt(id.slice(2)) - 1n;
	const dash = id.indexOf("-");
	return BigInt(id.slice(0, dash)) * SEQUENCES + BigInt(id.slice(dash + 1));
}

/** The lowest id whose offset is at or above `offset`. */
export function idAtOrAbove(offset: Offset): string {
	if (offset < SEQUENCES - 1n) return `0-${offset + 1n}`;
	if (offset === SEQUENCES - 1n) return "1-0";
	return `${offset / SEQUENCES}-${offset % SEQUENCES}`;
}

/** The greatest id whose offset is below `offset`. */
export function idBefore(offset: Offset): string {
	return offset < SEQUENCES ? `0-${offset}` : offset === SEQUENCES ? `0-${SEQUENCES - 1n}` : idAtOrAbove(offset - 1n);
}

/** The offset that follows the entry `id`: the end of a log whose last entry that was. */
export function offsetAfterId(id: string): Offset {
	return id === ZERO_ID ? 0n : offsetOfId(id) + 1n;
}

/** Milliseconds since 1970 in a time-based id; undefined for a dense one. */
export function timeOfId(id: string): number | undefined {
	return id.startsWith("0-") ? undefined : Number(id.slice(0, id.indexOf("-")));
}

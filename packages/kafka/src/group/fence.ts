// Fences of 63 bits, so that a store's signed integer holds them: 31 bits of era, 24 of Kafka's generation, 8 that count
// restarts within one generation. A part that overflows carries into the one above it, and the fence still rises.
//
// A generation rises with every change of owner, as long as the group lives. A group that is deleted (or forgotten, with
// its offsets) begins again at 1; then its commits are gone too, and whoever finds none begins a new era: the wall clock's
// seconds. The era is kept in every commit, and core commits where it starts before it delivers anything; so all members
// agree on it without talking. A static member that restarts keeps its generation: it takes the fence after the committed
// one, and commits that before it is given the partition.
const GENERATION_SHIFT = 8n;
const ERA_SHIFT = 32n;
/** 2025-01-01, in seconds since 1970: eras fit until 2093. */
const FIRST_ERA = 1_735_689_600;

export function eraAt(wallMs: number): bigint {
	return BigInt(Math.max(1, Math.floor(wallMs / 1000) - FIRST_ERA));
}

export function fenceOf(era: bigint, generation: number): bigint {
	return (era << ERA_SHIFT) + (BigInt(generation) << GENERATION_SHIFT);
}

export function generationOf(fence: bigint): bigint {
	return (fence >> GENERATION_SHIFT) & 0xffffffn;
}

/** The fence of a new ownership; `last` is the one the group committed under last. */
export function nextFence(last: bigint | undefined, generation: number, wallMs: number): bigint {
	const era = last === undefined ? eraAt(wallMs) : last >> ERA_SHIFT;
	const fence = fenceOf(era, generation);
	return last !== undefined && fence <= last ? last + 1n : fence;
}

// Fences: 32 bits of era, 32 of Kafka's generation, 8 that count restarts within one generation.
//
// A generation rises with every change of owner, as long as the group lives. A group that is deleted (or forgotten, with
// its offsets) begins again at 1; then its commits are gone too, and whoever finds none begins a new era: the wall clock's
// seconds. The era is kept in every commit, and core commits where it starts before it delivers anything; so all members
// agree on it without talking. A static member that restarts keeps its generation: it takes the fence after the committed
// one, and commits that before it is given the partition.
const GENERATION_SHIFT = 8n;
const ERA_SHIFT = 40n;

export function fenceOf(era: bigint, generation: number): bigint {
	return (era << ERA_SHIFT) | (BigInt(generation) << GENERATION_SHIFT);
}

export function eraOf(fence: bigint): bigint {
	return fence >> ERA_SHIFT;
}

export function generationOf(fence: bigint): bigint {
	return (fence >> GENERATION_SHIFT) & 0xffffffffn;
}

/** The fence of a new ownership; `last` is the one the group committed under last. */
export function nextFence(last: bigint | undefined, generation: number, wallMs: number): bigint {
	const era = last === undefined ? BigInt(Math.floor(wallMs / 1000)) : eraOf(last);
	const fence = fenceOf(era, generation);
	return last !== undefined && fence <= last ? last + 1n : fence;
}

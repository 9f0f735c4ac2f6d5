// What a state says, as text, by its own way through the maps and not by the encoder of snapshots.
import type { GroupState } from "@polylog/core/testing";

/** Equal texts: equal states. The index, the chain and the total are left to the caller. */
export function meaningOf(state: GroupState): string {
	const parts: string[] = [
		[state.era, state.lostAt, state.epoch, state.planned, state.horizon, state.asked].join(),
		[state.snapshot.index, state.snapshot.total, state.snapshot.bytes, state.snapshot.asOf, state.snapshot.previous].join(),
	];
	for (const [id, member] of sorted(state.members))
		parts.push(`m${id}${member.instanceId}${member.topics.join()}${member.sessionTimeoutMs},${member.join},${member.last},${member.seq}`);
	for (const [topic, count] of sorted(state.topics)) parts.push(`t${topic}${count}`);
	for (const [partition, member] of sorted(state.target)) parts.push(`g${partition}${member}`);
	for (const [partition, owner] of sorted(state.owner)) parts.push(`o${partition}${owner.member}${owner.fence}`);
	for (const [partition, commit] of sorted(state.offsets))
		parts.push(`n${partition}${commit.offset},${commit.index}${commit.last?.digest}`);
	for (const [partition, members] of sorted(state.barred)) parts.push(`x${partition}${[...members].sort().join()}`);
	// In the order of burial, which decides what is forgotten first.
	for (const [id, tomb] of state.tombs) parts.push(`d${id}${tomb.index}${tomb.kind}`);
	return parts.join("\n");
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
	return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

// What a healed group must come to: the living are its members, partitions are shared evenly, and everything is processed.
import { partitionKey } from "@polylog/core";
import type { World } from "@polylog/testing/world";
import type { DeliveryOracle } from "./delivery-oracle.ts";
import type { JournalOracle } from "./journal-oracle.ts";
import type { OwnershipRecord } from "./ownership-history.ts";

export interface Lack {
	readonly invariant: string;
	readonly text: string;
}

/** What is still missing. `living`: names of the processes that shall be members. */
export function lacks(world: World, living: ReadonlySet<string>, journal: JournalOracle, deliveries: DeliveryOracle): Lack[] {
	return [...membersLack(living, journal), ...partitionsLack(world, journal, deliveries)];
}

function membersLack(living: ReadonlySet<string>, { state, clients }: JournalOracle): Lack[] {
	const present = new Set([...state.members.keys()].map((id) => clients.get(id) ?? id));
	return [
		...[...present].filter((client) => !living.has(client)).map((client) => notConverged(`${client} is still a member`)),
		...[...living].filter((client) => !present.has(client)).map((client) => notConverged(`${client} is no member`)),
	];
}

function partitionsLack(world: World, { state, history }: JournalOracle, deliveries: DeliveryOracle): Lack[] {
	const lack: Lack[] = [];
	const loads = new Map([...state.members.keys()].map((id) => [id, 0]));
	for (const partition of world.partitions()) {
		const key = partitionKey(partition);
		const owner = state.owner.get(key);
		if (owner) loads.set(owner.member, (loads.get(owner.member) ?? 0) + 1);
		else lack.push(notConverged(`${key} has no owner`));
		const { earliest, end } = world.broker.partition(partition);
		const handled = deliveries.handledTo(key);
		if (handled < end) lack.push({ invariant: "unprocessed", text: `${key} was handled below ${handled} of ${end}` });
		const committed = state.offsets.get(key)?.offset ?? 0n;
		// Behind the end of a log that lost its tail: there may be nothing to commit a place with.
		const nothingToCommit = end === earliest || isSentTo(history.current(key), end);
		if (committed < end || (committed > end && !nothingToCommit))
			lack.push({ invariant: "not-committed", text: `${key} is committed to ${committed} of ${end}` });
	}
	const counts = [...loads.values()];
	if (counts.length > 0 && Math.max(...counts) - Math.min(...counts) > 1)
		lack.push({ invariant: "unbalanced", text: `members own ${counts.join(", ")} partitions` });
	return lack;
}

/** By a seek, which is persisted only with what is processed after it. */
function isSentTo(grant: OwnershipRecord | undefined, offset: bigint): boolean {
	return grant !== undefined && grant.moves > 0 && grant.next === offset;
}

function notConverged(text: string): Lack {
	return { invariant: "not-converged", text };
}

// Being a member of a group: FindCoordinator 2, JoinGroup 5, SyncGroup 3, Heartbeat 3, LeaveGroup 3.
import type { NodeAddress, WireRequest } from "../wire.ts";

/** Who speaks, in requests of a member. */
export interface Membership {
	readonly group: string;
	/** Empty before the first join. */
	readonly memberId: string;
	readonly instanceId: string | undefined;
	readonly generation: number;
}

export interface FoundCoordinator {
	readonly errorCode: number;
	readonly told: string | undefined;
	readonly node: number;
	readonly address: NodeAddress;
}

export function findCoordinatorRequest(group: string): WireRequest<FoundCoordinator> {
	return {
		name: "FindCoordinator",
		apiKey: 10,
		version: 2,
		write: (to) => to.string(group).int8(0),
		read(from) {
			from.int32();
			return {
				errorCode: from.int16(),
				told: from.nullableString(),
				node: from.int32(),
				address: { host: from.string(), port: from.int32() },
			};
		},
	};
}

export interface JoinOptions {
	readonly sessionTimeoutMs: number;
	readonly rebalanceTimeoutMs: number;
	readonly protocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface Joined {
	readonly errorCode: number;
	readonly generation: number;
	readonly protocol: string;
	readonly leader: string;
	readonly memberId: string;
	/** Told to the leader alone. */
	readonly members: readonly { readonly id: string; readonly instanceId: string | undefined; readonly metadata: Buffer }[];
}

export function joinGroupRequest(
	{ group, memberId, instanceId }: Membership,
	{ sessionTimeoutMs, rebalanceTimeoutMs, protocols }: JoinOptions,
): WireRequest<Joined> {
	return {
		name: "JoinGroup",
		apiKey: 11,
		version: 5,
		holdMs: rebalanceTimeoutMs,
		write(to) {
			to.string(group).int32(sessionTimeoutMs).int32(rebalanceTimeoutMs).string(memberId).string(instanceId).string("consumer");
			to.array(protocols, ({ name, metadata }) => to.string(name).bytes(metadata));
		},
		read(from) {
			from.int32();
			const head = {
				errorCode: from.int16(),
				generation: from.int32(),
				protocol: from.string(),
				leader: from.string(),
				memberId: from.string(),
			};
			return { ...head, members: from.array(() => ({ id: from.string(), instanceId: from.nullableString(), metadata: from.bytes() })) };
		},
	};
}

export interface Synced {
	readonly errorCode: number;
	readonly assignment: Buffer;
}

export function syncGroupRequest(membership: Membership, assignments: ReadonlyMap<string, Buffer>, holdMs: number): WireRequest<Synced> {
	return {
		name: "SyncGroup",
		apiKey: 14,
		version: 3,
		holdMs,
		write(to) {
			to.string(membership.group).int32(membership.generation).string(membership.memberId).string(membership.instanceId);
			to.array([...assignments], ([member, assignment]) => to.string(member).bytes(assignment));
		},
		read(from) {
			from.int32();
			return { errorCode: from.int16(), assignment: from.bytes() };
		},
	};
}

/** Resolves to the error code. */
export function heartbeatRequest({ group, memberId, instanceId, generation }: Membership): WireRequest<number> {
	return {
		name: "Heartbeat",
		apiKey: 12,
		version: 3,
		write: (to) => to.string(group).int32(generation).string(memberId).string(instanceId),
		read(from) {
			from.int32();
			return from.int16();
		},
	};
}

/** Resolves to the error code. */
export function leaveGroupRequest({ group, memberId, instanceId }: Membership): WireRequest<number> {
	return {
		name: "LeaveGroup",
		apiKey: 13,
		version: 3,
		write: (to) => to.string(group).array([memberId], (id) => to.string(id).string(instanceId)),
		read(from) {
			from.int32();
			return from.int16();
		},
	};
}

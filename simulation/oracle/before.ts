// What an entry met: enough of the state before it to judge what it changed.
import type { GroupState } from "@polylog/core/testing";

export interface Before {
	readonly members: ReadonlyMap<string, number>;
	readonly owner: ReadonlyMap<string, { readonly member: string; readonly fence: number }>;
	readonly target: ReadonlyMap<string, string>;
	readonly offsets: ReadonlyMap<string, bigint>;
	readonly epoch: number;
	readonly planned: number;
	readonly era: number;
}

export function snapshotOf(state: GroupState): Before {
	return {
		members: new Map([...state.members].map(([id, { last }]) => [id, last])),
		owner: new Map(state.owner),
		target: state.target.size === 0 ? state.target : new Map(state.target),
		offsets: new Map([...state.offsets].map(([partition, { offset }]) => [partition, offset])),
		epoch: state.epoch,
		planned: state.planned,
		era: state.era,
	};
}

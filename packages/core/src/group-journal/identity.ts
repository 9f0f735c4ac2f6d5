// Which ids were this member's own, and which its predecessors': who may be replaced, and who has replaced it.
import type { JoinRequest } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import type { GroupState } from "./state.ts";

/** Former ids that are remembered, to replace the one that the group still counts. */
const OWN_IDS = 32;

export class Identity {
	readonly #group: string;
	readonly #instanceId: string | undefined;
	/** In the order of use. */
	readonly #own = new Set<string>();
	/** Ids that were used up, or had this member's `instanceId`, before it: a journal that was cut back may show them again. */
	readonly #predecessors = new Set<string>();

	constructor({ group, instanceId }: JoinRequest) {
		this.#group = group;
		this.#instanceId = instanceId;
	}

	use(id: string): void {
		this.#own.add(id);
		for (const oldest of this.#own) if (this.#own.size > OWN_IDS) this.#own.delete(oldest);
	}

	/** An own id that the group still counts as a member. */
	former(state: GroupState): string | undefined {
		return [...this.#own].find((id) => state.members.has(id));
	}

	/** A static member that was away must not throw out its successor, which would do the same to it. */
	refuseToReplace({ members, tombs }: GroupState, wasMember: boolean): void {
		if (this.#instanceId === undefined) return;
		const holders = [...members].filter(([id, { instanceId }]) => instanceId === this.#instanceId && !this.#own.has(id)).map(([id]) => id);
		if (wasMember && holders.some((id) => !this.#predecessors.has(id))) throw this.replaced();
		if (!wasMember) for (const id of [...holders, ...tombs.keys()]) this.#predecessors.add(id);
	}

	replaced(): PolylogError {
		const group = this.#group;
		return new PolylogError(
			"MEMBER_REPLACED",
			`another member joined group "${group}" with the instanceId "${this.#instanceId ?? ""}"; give each running process its own`,
			{ group },
		);
	}
}

// Tells when a member has read another journal than this one. An alarm, and a reason to prove the own place again; not a
// decision, since it does not tell who of the two is right.
import type { MemberEntry } from "./entry.ts";
import type { Follower } from "./follower.ts";

export class ChainAlarm {
	readonly #follower: Follower;
	readonly #tell: (member: string, at: number) => void;
	/** Told once each. */
	readonly #told = new Set<string>();

	constructor(follower: Follower, tell: (member: string, at: number) => void) {
		this.#follower = follower;
		this.#tell = tell;
	}

	compare({ member, at, chain }: MemberEntry): void {
		// Before the tail at boot there may be entries of a log that was cut back.
		if (at < this.#follower.bootIndex || this.#told.has(member)) return;
		const own = this.#follower.chainAt(at);
		if (own === undefined || own === chain) return;
		for (const id of this.#told) if (!this.#follower.state.members.has(id)) this.#told.delete(id);
		this.#told.add(member);
		this.#tell(member, at);
	}
}

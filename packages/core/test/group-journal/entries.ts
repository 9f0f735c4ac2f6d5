// Short ways to write entries in tests of the fold.
import type { Entry, GroupEvent, JoinEvent, MemberEntry } from "../../src/group-journal/entry.ts";
import { decodeEntry, encodeEntry } from "../../src/group-journal/entry-codec.ts";
import { applyEntry } from "../../src/group-journal/fold.ts";
import { emptyState, type GroupState } from "../../src/group-journal/state.ts";

export function joinEvent(options: Partial<JoinEvent> = {}): JoinEvent {
	return {
		type: "join",
		topics: ["t"],
		sessionTimeoutMs: 10_000,
		clientId: "client",
		instanceId: undefined,
		version: 1,
		era: 0,
		previous: undefined,
		barred: [],
		...options,
	};
}

/** A state, and entries appended to it as bytes, as a reader meets them. */
export class Journal {
	readonly state: GroupState = emptyState();
	readonly entries: Uint8Array[] = [];
	readonly #seqs = new Map<string, number>();

	append(entry: Entry): void {
		this.appendBytes(encodeEntry(entry));
	}

	appendBytes(bytes: Uint8Array): void {
		this.entries.push(bytes);
		applyEntry(this.state, decodeEntry(bytes), bytes);
	}

	/** The member's next entry. */
	by(member: string, ...events: GroupEvent[]): void {
		this.append(this.entryOf(member, events));
	}

	entryOf(member: string, events: readonly GroupEvent[]): MemberEntry {
		const seq = (this.#seqs.get(member) ?? 0) + 1;
		this.#seqs.set(member, seq);
		return { kind: "member", member, seq, at: this.state.index, chain: this.state.chain, wall: 1, events };
	}

	join(member: string, options: Partial<JoinEvent> = {}): void {
		this.by(member, joinEvent({ era: this.state.era + 1, ...options }));
	}

	/** Everything to whom it says: `{ "t/0": "a" }`. */
	plan(author: string, assigned: Readonly<Record<string, string>>): void {
		this.by(author, { type: "plan", epoch: this.state.epoch, assigned: Object.entries(assigned) });
	}

	admin(...events: GroupEvent[]): void {
		this.append({ kind: "admin", nonce: "n", events });
	}

	fence(partition: string): number {
		return this.state.owner.get(partition)?.fence ?? 0;
	}

	owners(): Record<string, string> {
		return Object.fromEntries([...this.state.owner].map(([partition, { member }]) => [partition, member]));
	}
}

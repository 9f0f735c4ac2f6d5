// Stop and wait: at most one own entry is under way. It never changes, is repeated until it is read back, and only then is
// the next one made, from the state of that moment. Nothing is queued, so nothing stale is sent.
import type { GroupEvent, MemberEntry } from "./entry.ts";
import { encodeEntry } from "./entry-codec.ts";
import type { Instant } from "./lease.ts";
import type { PendingCommit } from "./pending-commits.ts";
import { type JournalTiming, longestPause } from "./timing.ts";

export interface Outgoing {
	readonly seq: number;
	readonly bytes: Uint8Array;
	readonly events: readonly GroupEvent[];
	readonly commits: readonly PendingCommit[];
	/** When it was first sent: what a lease counts from. */
	readonly sent: Instant;
	readBackAt: number | undefined;
	/** Whether an append of it reached as many replicas as were asked for; `undefined`: no answer yet. */
	durable: boolean | undefined;
}

export interface Letter {
	readonly events: readonly GroupEvent[];
	readonly commits: readonly PendingCommit[];
}

export class Outbox {
	readonly #memberId: string;
	readonly #timing: JournalTiming;
	readonly #longestMs: number;
	#seq = 0;
	#current: Outgoing | undefined;
	#nextTry = 0;
	#tries = 0;

	constructor(memberId: string, timing: JournalTiming, sessionTimeoutMs: number) {
		this.#memberId = memberId;
		this.#timing = timing;
		this.#longestMs = longestPause(timing, sessionTimeoutMs);
	}

	/** The entry that has not been read back. */
	get current(): Outgoing | undefined {
		return this.#current;
	}

	/** When `current` is to be appended (again). */
	get nextTry(): number {
		return this.#nextTry;
	}

	write(letter: Letter, at: Pick<MemberEntry, "at" | "chain">, sent: Instant): Outgoing {
		this.#seq++;
		const entry: MemberEntry = {
			kind: "member",
			member: this.#memberId,
			seq: this.#seq,
			...at,
			wall: Math.max(0, Math.trunc(sent.wall)),
			events: letter.events,
		};
		this.#current = { seq: this.#seq, bytes: encodeEntry(entry), ...letter, sent, readBackAt: undefined, durable: undefined };
		this.#nextTry = sent.now;
		this.#tries = 0;
		return this.#current;
	}

	/** An append of `current` starts. */
	trying(now: number): void {
		this.#nextTry = now + this.#backOff(this.#timing.retryMs);
		this.#tries++;
	}

	failed(outgoing: Outgoing, now: number): void {
		if (outgoing === this.#current) this.#nextTry = now + this.#backOff(this.#timing.retryMs / 5);
	}

	/** The journal answers again after it did not: how long it was away must not lengthen the silence. */
	reachable(now: number): void {
		this.#tries = 0;
		this.#nextTry = Math.min(this.#nextTry, now);
	}

	/** Stored, as the broker says: only a hint, so keep waiting, but longer. */
	confirmed(outgoing: Outgoing, now: number): void {
		if (outgoing === this.#current) this.#nextTry = now + this.#backOff(this.#timing.retryMs * 4);
	}

	/** The entry that `seq` is, if it is the one under way. */
	readBack(seq: number, now: number): Outgoing | undefined {
		const outgoing = this.#current;
		if (outgoing?.seq !== seq) return undefined;
		outgoing.readBackAt = now;
		this.#current = undefined;
		return outgoing;
	}

	#backOff(baseMs: number): number {
		return Math.min(baseMs * 1.5 ** Math.max(0, this.#tries - 1), this.#longestMs);
	}
}

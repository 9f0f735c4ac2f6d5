// What a member is to its group at this moment: its id, the generation, and whether commits are taken under it.
import { type Clock, sleep } from "@polylog/core/driver";
import type { Membership } from "../wire/api/membership.ts";

/** A wait that nobody rings for is looked at again after this. */
const LOOK_MS = 1000;

export class Standing {
	readonly #who: Pick<Membership, "group" | "instanceId">;
	readonly #clock: Clock;
	#memberId = "";
	#generation = -1;
	/** The generation the member id first joined in. */
	#since: number | undefined;
	/** Commits wait for a generation above this one. */
	#heldAt = -1;
	/** A round of joining is under way. */
	joining = false;
	/** Between the answer to a join and that to its sync Kafka refuses commits. */
	#syncing = false;
	#bell = Promise.withResolvers<void>();

	constructor(who: Pick<Membership, "group" | "instanceId">, clock: Clock) {
		this.#who = who;
		this.#clock = clock;
	}

	get membership(): Membership {
		return { ...this.#who, memberId: this.#memberId, generation: this.#generation };
	}

	get since(): number | undefined {
		return this.#since;
	}

	/** The coordinator gave an id to join under. */
	named(memberId: string): void {
		this.#memberId = memberId;
	}

	joined(memberId: string, generation: number): void {
		if (memberId !== this.#memberId) this.#since = undefined;
		this.#memberId = memberId;
		this.#generation = generation;
		this.#since ??= generation;
		this.#syncing = true;
	}

	/** The round of joining has ended, one way or the other. */
	settled(): void {
		this.joining = false;
		this.#syncing = false;
		this.ring();
	}

	/** Not a member any more; `id` too if the coordinator does not know that either. */
	expelled({ id }: { readonly id: boolean }): void {
		if (id) this.#memberId = "";
		this.#generation = -1;
	}

	isCurrent({ memberId, generation }: Membership): boolean {
		return memberId === this.#memberId && generation === this.#generation;
	}

	/** Commits of this generation are refused: a new one is being made. */
	hold(generation: number): void {
		this.#heldAt = Math.max(this.#heldAt, generation);
	}

	/** Resolves when commits may be sent. */
	async mayCommit(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		while (this.#syncing || this.#generation < 0 || this.#generation <= this.#heldAt) {
			await Promise.race([this.#bell.promise, sleep(this.#clock, LOOK_MS, signal)]);
			signal.throwIfAborted();
		}
	}

	ring(): void {
		this.#bell.resolve();
		this.#bell = Promise.withResolvers();
	}
}

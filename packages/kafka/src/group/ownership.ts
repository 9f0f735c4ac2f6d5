// What a member holds of its group's partitions: granted, given up, lost, and that the listener hears of each in order.
// When to join is the session's business.
import { type Partition, partitionKey, type SessionListener, sleep } from "@polylog/core/driver";
import type { CommitQueue } from "./commit-queue.ts";
import { isFinal } from "./final.ts";
import { grantsFor, type GrantingParts } from "./granting.ts";
import { type Holding, newHolding } from "./holding.ts";

const RETRY_MS = 50;
const RETRY_MAX_MS = 1000;
/** Of the time Kafka gives for a rebalance: what giving up partitions may take, so that joining again is in time. */
const REVOKE_SHARE = 0.8;

export interface OwnershipParts {
	readonly granting: GrantingParts;
	readonly listener: SessionListener;
	readonly commits: CommitQueue;
	/** Whether the member is leaving: nothing is granted any more. */
	closing(): boolean;
	/** Something was let go, or may be had again: the group has to plan anew. */
	rejoin(): void;
	/** Waiting does not cure it. */
	failed(error: unknown): void;
}

export class Ownership {
	readonly #parts: OwnershipParts;
	readonly #holdings = new Map<string, Holding>();
	/** Given up while their handler still runs here: not to be had back before that ends. */
	readonly #stuck = new Map<string, Partition>();

	constructor(parts: OwnershipParts) {
		this.#parts = parts;
	}

	/** What is held of the partition under this fence. */
	of(partition: Partition, fence: bigint): Holding | undefined {
		const holding = this.#holdings.get(partitionKey(partition));
		return holding?.fence === fence ? holding : undefined;
	}

	get owned(): Partition[] {
		return [...this.#holdings.values()].map(({ partition }) => partition);
	}

	get stuck(): Partition[] {
		return [...this.#stuck.values()];
	}

	/** Makes what is held follow the assignment. */
	adopt(assigned: readonly Partition[], generation: number): void {
		const target = new Map(assigned.map((partition) => [partitionKey(partition), partition]));
		const revoked = [...this.#holdings.values()].filter(({ key, phase }) => !target.has(key) && phase !== "revoking");
		const added = [...target]
			.filter(([key]) => !this.#holdings.has(key) && !this.#stuck.has(key))
			.map(([, partition]) => newHolding(partition));
		for (const holding of added) this.#holdings.set(holding.key, holding);
		if (revoked.length > 0) void this.#revoke(revoked).then(() => this.#parts.rejoin());
		if (added.length > 0) void this.#grant(added, generation);
	}

	/** As an eager group needs before every join. */
	async revokeAll(): Promise<void> {
		await this.#revoke([...this.#holdings.values()].filter(({ phase }) => phase === "active"));
	}

	/** Gives it up though its handler still runs. */
	abandon(partition: Partition, fence: bigint): void {
		this.#stuck.set(partitionKey(partition), partition);
		const holding = this.of(partition, fence);
		if (holding) this.#drop(holding);
		this.#parts.rejoin();
	}

	/** That handler has ended. */
	returned(partition: Partition): void {
		if (this.#stuck.delete(partitionKey(partition))) this.#parts.rejoin();
	}

	/** All that was held is somebody else's, or may be. */
	lose(reason: string): void {
		const told = [...this.#holdings.values()].filter(({ phase }) => phase === "active" || phase === "revoking");
		for (const holding of this.#holdings.values()) this.#drop(holding);
		this.#tellLost(told, reason);
	}

	/** Without a word to the listener. */
	end(): void {
		for (const holding of this.#holdings.values()) holding.phase = "gone";
		this.#holdings.clear();
	}

	get #ended(): boolean {
		return this.#parts.granting.signal.aborted;
	}

	/** Looks up where the group stands, and hands the partitions over. */
	async #grant(holdings: readonly Holding[], generation: number): Promise<void> {
		const { granting, listener } = this.#parts;
		for (let delayMs = RETRY_MS; !this.#ended; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
			try {
				const wanted = holdings.filter(({ phase }) => phase === "preparing");
				if (wanted.length === 0) return;
				const grants = await grantsFor(
					granting,
					wanted.map(({ partition }) => partition),
					generation,
				);
				if (this.#parts.closing()) return;
				const taken = wanted.flatMap((holding, i) => {
					const grant = grants[i];
					if (holding.phase !== "preparing" || !grant) return [];
					holding.fence = grant.fence;
					holding.phase = "active";
					return [grant];
				});
				if (taken.length > 0) listener.assigned(taken);
				return;
			} catch (error) {
				if (this.#ended) return;
				if (isFinal(error)) return this.#parts.failed(error);
				await sleep(granting.context.clock, delayMs, granting.signal).catch(() => {});
			}
		}
	}

	/** Has the listener give them up, within the time a rebalance allows; then they are free. */
	async #revoke(holdings: readonly Holding[]): Promise<void> {
		const { context, signal } = this.#parts.granting;
		for (const holding of holdings.filter(({ phase }) => phase === "preparing")) this.#drop(holding);
		const held = holdings.filter(({ phase }) => phase === "active");
		if (held.length === 0) return;
		for (const holding of held) holding.phase = "revoking";
		const over = new AbortController();
		const limitMs = context.settings.rebalanceTimeoutMs * REVOKE_SHARE;
		const late = sleep(context.clock, limitMs, AbortSignal.any([over.signal, signal])).then(
			() => true,
			() => false,
		);
		const given = this.#parts.listener.revoked(held.map(({ partition }) => partition)).then(
			() => false,
			() => false,
		);
		const tooLate = await Promise.race([given, late]);
		over.abort();
		const left = held.filter(({ phase }) => phase === "revoking");
		for (const holding of left) this.#drop(holding);
		if (tooLate) this.#tellLost(left, "giving it up took longer than the group's rebalance timeout");
	}

	#tellLost(holdings: readonly Holding[], reason: string): void {
		if (holdings.length === 0) return;
		this.#parts.listener.lost(
			holdings.map(({ partition }) => partition),
			reason,
		);
	}

	#drop(holding: Holding): void {
		holding.phase = "gone";
		if (this.#holdings.get(holding.key) === holding) this.#holdings.delete(holding.key);
		this.#parts.commits.drop(holding);
	}
}

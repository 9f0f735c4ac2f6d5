// Commits that wait for the next entry, one per partition: the later covers the earlier.
import { partitionContext } from "../partition-context.ts";
import type { Commit } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import { partitionKey } from "../partition.ts";
import type { CommitItem } from "./entry.ts";
import type { Holding } from "./holdings.ts";
import type { PartitionKey } from "./state.ts";

interface Waiter {
	resolve(): void;
	reject(error: unknown): void;
}

export interface PendingCommit {
	readonly holding: Holding;
	item: CommitItem;
	readonly waiters: Waiter[];
}

export class PendingCommits {
	readonly #pending = new Map<PartitionKey, PendingCommit>();

	get size(): number {
		return this.#pending.size;
	}

	add(holding: Holding, commit: Commit): Promise<void> {
		return new Promise((resolve, reject) => {
			const item = itemOf(holding, commit);
			const before = this.#pending.get(holding.key);
			if (!before) {
				this.#pending.set(holding.key, { holding, item, waiters: [{ resolve, reject }] });
				return;
			}
			before.waiters.push({ resolve, reject });
			// Backwards without a seek: covered by the one that waits already.
			if (item.rewind || item.offset >= before.item.offset) before.item = { ...item, rewind: item.rewind || before.item.rewind };
		});
	}

	values(): Iterable<PendingCommit> {
		return this.#pending.values();
	}

	/** All of them, for an entry. */
	take(): PendingCommit[] {
		const taken = [...this.#pending.values()];
		this.#pending.clear();
		return taken;
	}

	/** Rejects those of a partition that is no longer held. */
	drop(key: PartitionKey): void {
		const pending = this.#pending.get(key);
		if (!pending) return;
		this.#pending.delete(key);
		refuse(pending, fenced(pending.holding));
	}

	rejectAll(errorOf: (pending: PendingCommit) => unknown): void {
		for (const pending of this.take()) refuse(pending, errorOf(pending));
	}
}

export function refuse(pending: PendingCommit, error: unknown): void {
	for (const waiter of pending.waiters) waiter.reject(error);
}

export function fulfil(pending: PendingCommit): void {
	for (const waiter of pending.waiters) waiter.resolve();
}

export function fenced({ partition }: Pick<Holding, "partition">): PolylogError {
	return new PolylogError(
		"FENCED",
		`commit to ${partitionKey(partition)} refused: this member no longer holds the partition under that fence; drop the work, its new owner repeats it`,
		partitionContext(partition),
	);
}

function itemOf(holding: Holding, commit: Commit): CommitItem {
	return {
		partition: holding.key,
		fence: holding.granted,
		offset: commit.offset,
		last: commit.last && { offset: commit.last.offset, digest: commit.last.digest },
		rewind: commit.rewind === true,
	};
}

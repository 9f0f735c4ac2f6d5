// When processed messages are committed: at intervals, on demand, and before a partition is given up.
import type { Message } from "../api/message.ts";
import { type Clock, sleep } from "../clock.ts";
import type { Commit, GroupSession } from "../driver/group-session.ts";
import { isPolylogError, type PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import { PartitionMap } from "../partition-map.ts";
import type { Partition } from "../partition.ts";
import type { PartitionLane } from "./partition-lane.ts";

export interface CommitterParts {
	readonly session: () => Promise<GroupSession>;
	readonly clock: Clock;
	/** The lane of a partition; throws FENCED if this member does not own it (under that fence). */
	readonly owned: (partition: Partition, fence?: bigint) => PartitionLane;
	readonly onCommitted: (offsets: ReadonlyMap<Partition, Offset>) => void;
	readonly wrap: (error: unknown) => PolylogError;
}

export class Committer {
	readonly #parts: CommitterParts;

	constructor(parts: CommitterParts) {
		this.#parts = parts;
	}

	/** Commits what is due on the lanes; `explicit` persists a seek too. Rejects with the first refusal, after all are settled. */
	async flush(lanes: Iterable<PartitionLane>, explicit = false): Promise<void> {
		const due: [PartitionLane, Commit][] = [];
		for (const lane of lanes) {
			const commit = lane.due(explicit);
			if (commit) due.push([lane, commit]);
		}
		if (due.length > 0) await this.#send(due);
	}

	/** On the application's word: the message is processed. Resolves when it and all before it are committed, and no more. */
	async commitMessage(message: Message<unknown>): Promise<void> {
		const lane = this.#parts.owned(message.partition, message.fence);
		await lane.settle(message.offset);
		const commit = lane.commitThrough(message.raw);
		if (commit) await this.#send([[lane, commit]]);
	}

	/** Exactly these offsets. */
	async commitOffsets(offsets: ReadonlyMap<Partition, Offset>): Promise<void> {
		await this.#send(
			[...offsets].map(([partition, offset]) => {
				const lane = this.#parts.owned(partition);
				return [lane, lane.commitAt(offset)];
			}),
		);
	}

	/** Flushes every `intervalMs` until the signal aborts. A partition that moved on is its new owner's affair. */
	async every(
		intervalMs: number,
		lanes: () => Iterable<PartitionLane>,
		signal: AbortSignal,
		onError: (error: unknown) => void,
	): Promise<void> {
		while (!signal.aborted) {
			try {
				await sleep(this.#parts.clock, intervalMs, signal);
				await this.flush(lanes());
			} catch (error) {
				if (!signal.aborted && !isPolylogError(error, "FENCED")) onError(error);
			}
		}
	}

	async #send(commits: readonly (readonly [PartitionLane, Commit])[]): Promise<void> {
		// Of the moment the commits were made: a seek from now on keeps its right to go back.
		const made = commits.map(([lane, commit]) => ({ lane, commit, epoch: lane.epoch }));
		const session = await this.#parts.session();
		const outcomes = await Promise.allSettled(
			made.map(async ({ lane, commit, epoch }) => {
				await session.commit(commit);
				lane.accepted(commit, epoch);
			}),
		);
		const news = new PartitionMap<Offset>();
		for (const [lane] of commits) {
			const offset = lane.news();
			if (offset !== undefined) news.set(lane.partition, offset);
		}
		if (news.size > 0) this.#parts.onCommitted(news);
		const refused = outcomes.find((outcome) => outcome.status === "rejected");
		if (refused) throw this.#parts.wrap(refused.reason);
	}
}

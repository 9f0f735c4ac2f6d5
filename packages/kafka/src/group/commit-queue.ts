// Commits on their way: one request at a time, with all that wait; the later of two for one partition covers the earlier.
// What was not answered is sent again, under the generation that is current then, while the partition is still held.
import { type Commit, partitionKey } from "@polylog/core/driver";
import type { CommitAnswer, CommitItem } from "../wire/api/commits.ts";
import { ERROR } from "../wire/error-codes.ts";
import { encodeNote } from "./commit-note.ts";
import { fenced, type Holding } from "./holding.ts";

interface Waiter {
	readonly commit: Commit;
	readonly resolve: () => void;
	readonly reject: (error: unknown) => void;
}

interface Entry {
	readonly holding: Holding;
	/** In the order of the calls; the last one is what is sent. */
	readonly waiters: Waiter[];
}

export interface CommitPort {
	/** Resolves when commits may be sent: not between a join and its sync. Rejects at the end. */
	ready(): Promise<void>;
	send(items: readonly CommitItem[]): Promise<readonly CommitAnswer[]>;
	/** What to do about an answer that is an error; see `Verdict`. */
	judge(answer: CommitAnswer): Promise<Verdict>;
	/** Sending failed: resolves when it is worth another try. Rejects at the end. */
	pause(error: unknown): Promise<void>;
}

/** `again`: keep it, to be sent when `ready` says so; an error: refuse it. */
export type Verdict = "again" | { readonly refuse: unknown };

export class CommitQueue {
	readonly #port: CommitPort;
	readonly #entries = new Map<string, Entry>();
	/** Of each partition held: the highest offset accepted, so that nothing goes backwards unasked. */
	readonly #accepted = new WeakMap<Holding, bigint>();
	#running: Promise<void> | undefined;
	#ended = false;

	constructor(port: CommitPort) {
		this.#port = port;
	}

	add(holding: Holding, commit: Commit): Promise<void> {
		const accepted = this.#accepted.get(holding);
		if (accepted !== undefined && commit.offset < accepted && !commit.rewind) return Promise.resolve();
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		let entry = this.#entries.get(holding.key);
		if (!entry) this.#entries.set(holding.key, (entry = { holding, waiters: [] }));
		entry.waiters.push({ commit, resolve, reject });
		this.#running ??= this.#run().finally(() => (this.#running = undefined));
		return promise;
	}

	/** Resolves when nothing waits. Never rejects. */
	async idle(): Promise<void> {
		await this.#running?.catch(() => {});
	}

	/** The partition is not held any more. */
	drop(holding: Holding): void {
		const entry = this.#entries.get(holding.key);
		if (entry?.holding !== holding) return;
		this.#entries.delete(holding.key);
		for (const { commit, reject } of entry.waiters) reject(fenced(commit));
	}

	end(reason: unknown): void {
		this.#ended = true;
		for (const { waiters } of this.#entries.values()) for (const { reject } of waiters) reject(reason);
		this.#entries.clear();
	}

	async #run(): Promise<void> {
		// In a later turn: commits made together go together.
		await Promise.resolve();
		while (this.#entries.size > 0 && !this.#ended) {
			try {
				await this.#port.ready();
				await this.#round();
			} catch (error) {
				if (this.#ended) return;
				await this.#port.pause(error).catch(() => {});
			}
		}
	}

	async #round(): Promise<void> {
		const sent = new Map(
			[...this.#entries].map(([key, entry]) => [key, { entry, count: entry.waiters.length, last: entry.waiters.at(-1) }]),
		);
		const items = [...sent.values()].flatMap(({ last }): CommitItem[] => {
			if (!last) return [];
			const { partition, offset, fence, last: record } = last.commit;
			return [{ topic: partition.topic, index: partition.index, offset, metadata: encodeNote({ fence, last: record }) }];
		});
		if (items.length === 0) return;
		for (const answer of await this.#port.send(items)) {
			const key = partitionKey(answer);
			const one = sent.get(key);
			if (!one) continue;
			const verdict = answer.errorCode === ERROR.none ? "accepted" : await this.#port.judge(answer);
			if (verdict === "again" || this.#entries.get(key) !== one.entry) continue;
			const settled = one.entry.waiters.splice(0, one.count);
			if (one.entry.waiters.length === 0) this.#entries.delete(key);
			if (verdict === "accepted" && one.last) this.#accepted.set(one.entry.holding, one.last.commit.offset);
			for (const { resolve, reject } of settled) {
				if (verdict === "accepted") resolve();
				else reject(verdict.refuse);
			}
		}
	}
}

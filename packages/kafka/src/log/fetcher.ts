// Long polls, shared by all readers: one for each broker, for whatever readers wait for at its start. Readers that come
// while it waits are served by short polls beside it until it returns, so that nobody waits for somebody else's records.
import type { Clock } from "@polylog/core/driver";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import { type FetchedPartition, fetchRequest } from "../wire/api/fetch.ts";
import type { Network } from "../wire/network.ts";

/** Bounds how long closing, and a reader that comes late, may wait for a poll that has nothing. */
const LONG_POLL_MS = 500;
const SHORT_POLL_MS = 20;
const MAX_POLL_BYTES = 16 * 1024 * 1024;
const MAX_PARTITIONS = 2_000;

/** What a reader waits for. */
export interface Want {
	readonly node: number;
	readonly topicId: string;
	readonly index: number;
	readonly leaderEpoch: number;
	readonly offset: bigint;
	readonly lastEpoch: number;
	readonly maxBytes: number;
	/** Comes back empty after this time, in ms of the clock. */
	readonly until: number;
	readonly cancelled: boolean;
	settle(result: FetchedPartition | undefined): void;
	fail(error: unknown): void;
}

export class Fetcher {
	readonly #network: Network;
	readonly #clock: Clock;
	readonly #committedOnly: boolean;
	readonly #nodes = new Map<number, NodePoller>();
	#closed: { readonly reason: unknown } | undefined;

	constructor(network: Network, clock: Clock, committedOnly: boolean) {
		this.#network = network;
		this.#clock = clock;
		this.#committedOnly = committedOnly;
	}

	add(want: Want): void {
		if (this.#closed) return want.fail(this.#closed.reason);
		let poller = this.#nodes.get(want.node);
		if (!poller) this.#nodes.set(want.node, (poller = new NodePoller(want.node, this.#network, this.#clock, this.#committedOnly)));
		poller.add(want);
	}

	close(reason: unknown): void {
		this.#closed = { reason };
		for (const poller of this.#nodes.values()) poller.close(reason);
	}
}

class NodePoller {
	readonly #node: number;
	readonly #network: Network;
	readonly #clock: Clock;
	readonly #committedOnly: boolean;
	/** In the order of waiting: a broker fills its answer from the front. */
	readonly #waiting = new Set<Want>();
	#long = false;
	#short = false;
	#arranged = false;

	constructor(node: number, network: Network, clock: Clock, committedOnly: boolean) {
		this.#node = node;
		this.#network = network;
		this.#clock = clock;
		this.#committedOnly = committedOnly;
	}

	add(want: Want): void {
		this.#waiting.add(want);
		this.#arrange();
	}

	close(reason: unknown): void {
		for (const want of this.#waiting) want.fail(reason);
		this.#waiting.clear();
	}

	/** In a later turn, so that readers which want more right after an answer go together. */
	#arrange(): void {
		if (this.#arranged || (this.#long && this.#short)) return;
		this.#arranged = true;
		void this.#clock.yield().then(() => {
			this.#arranged = false;
			this.#pump();
		});
	}

	#pump(): void {
		if (this.#waiting.size === 0) return;
		if (!this.#long) {
			this.#long = true;
			void this.#poll("fetch", LONG_POLL_MS).finally(() => {
				this.#long = false;
				this.#arrange();
			});
		} else if (!this.#short) {
			this.#short = true;
			void this.#poll("fetch-now", SHORT_POLL_MS).finally(() => {
				this.#short = false;
				this.#arrange();
			});
		}
	}

	async #poll(lane: "fetch" | "fetch-now", maxWaitMs: number): Promise<void> {
		const asked = this.#take();
		if (asked.size === 0) return;
		const parts = [...asked.values()].map(([want]) => want).filter((want) => want !== undefined);
		try {
			const request = fetchRequest(parts, { maxWaitMs, maxBytes: MAX_POLL_BYTES, committedOnly: this.#committedOnly });
			const answer = await this.#network.send(this.#node, lane, request);
			if (answer.errorCode !== ERROR.none) throw new KafkaError(answer.errorCode, "reading");
			for (const found of answer.partitions) this.#hand(asked.get(placeOf(found)) ?? [], found);
			for (const wants of asked.values()) this.#again(wants);
		} catch (error) {
			for (const want of [...asked.values()].flat()) want.fail(error);
		}
	}

	/** Those to ask for now, by partition. Readers of one partition at one offset share the answer; others take turns. */
	#take(): Map<string, Want[]> {
		const asked = new Map<string, Want[]>();
		for (const want of this.#waiting) {
			if (want.cancelled) {
				this.#waiting.delete(want);
				continue;
			}
			const key = placeOf(want);
			const same = asked.get(key);
			if (same && (same[0]?.offset !== want.offset || same[0].lastEpoch !== want.lastEpoch)) continue;
			if (!same && asked.size >= MAX_PARTITIONS) continue;
			this.#waiting.delete(want);
			if (same) same.push(want);
			else asked.set(key, [want]);
		}
		return asked;
	}

	#hand(wants: Want[], found: FetchedPartition): void {
		const something = found.errorCode !== ERROR.none || found.divergesAt !== undefined || (found.records?.length ?? 0) > 0;
		if (something) for (const want of wants.splice(0)) want.settle(found);
	}

	/** Nothing came for these: they wait on, ahead of those that were served. */
	#again(wants: readonly Want[]): void {
		const now = this.#clock.now();
		for (const want of wants) {
			if (want.cancelled || now >= want.until) want.settle(undefined);
			else this.#waiting.add(want);
		}
	}
}

function placeOf({ topicId, index }: { readonly topicId: string; readonly index: number }): string {
	return `${topicId}/${index}`;
}

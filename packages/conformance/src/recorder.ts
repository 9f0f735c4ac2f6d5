// Keeps the history of one check, and the participants that write it.
import assert from "node:assert/strict";
import type { ConsumerGroup, Member, MemberOptions, Message, Offset, Partition, Producer, RunOptions } from "@polylog/core";
import { type Context } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import { checkHistory, type HistoryRules, type Verdict } from "./check-history.ts";
import type { HistoryEvent } from "./history.ts";
import { clock, until } from "./time.ts";

/** What the kit sends: a number that is unique in its check. */
export interface Item {
	readonly n: number;
	readonly pad?: string;
}

export type ItemHandler = (message: Message<Item>, context: Context) => unknown;

export interface FollowOptions extends MemberOptions<Item>, RunOptions {
	/** Default: do nothing. */
	readonly handle?: ItemHandler;
}

/** A member of a group that handles, and whose history is kept. */
export interface Participant {
	readonly name: string;
	readonly member: Member<Item>;
	/** Of `member.run`; never rejects. */
	readonly done: Promise<void>;
	/** What `run` rejected with. */
	failure(): unknown;
	/** What it has been handed, in order. */
	readonly seen: readonly Message<Item>[];
	/** What `stuck`, `error` and `lost` said. */
	readonly stuck: { readonly partition: Partition; readonly error: Error }[];
	readonly errors: Error[];
	readonly lost: Partition[];
	/** Closes the member and takes note of it. */
	close(): Promise<void>;
}

export class Recorder {
	readonly events: HistoryEvent[] = [];
	#names = 0;

	record(event: HistoryEvent): void {
		this.events.push(event);
	}

	/** Sends `count` items and takes note of each receipt. Keys spread over all partitions. */
	async send(
		producer: Producer<Item>,
		count: number,
		options: { from?: number; keys?: number; partition?: number; pad?: string } = {},
	): Promise<void> {
		const from = options.from ?? 0;
		const sends = Array.from({ length: count }, async (_, i) => {
			const n = from + i;
			const where = options.partition === undefined ? { key: `k${n % (options.keys ?? 23)}` } : { partition: options.partition };
			const value: Item = options.pad === undefined ? { n } : { n, pad: options.pad };
			const receipt = await producer.send(value, where);
			const offset = receipt.offset === undefined ? {} : { offset: receipt.offset };
			this.record({
				kind: "sent",
				at: clock.wall(),
				producer: "p",
				id: `${n}`,
				status: "ok",
				partition: partitionKey(receipt.partition),
				...offset,
			});
		});
		await Promise.all(sends);
	}

	/** Joins and handles. */
	async follow(group: ConsumerGroup<Item>, options: FollowOptions = {}): Promise<Participant> {
		const name = `m${++this.#names}`;
		const seen: Message<Item>[] = [];
		const { handle, onAssigned, onRevoked, onLost, ...rest } = options;
		const moved = (kind: "assigned" | "revoked" | "lost", partitions: readonly Partition[]) =>
			this.record({ kind, at: clock.wall(), member: name, partitions: partitions.map(partitionKey) });
		const participant = { stuck: [] as { partition: Partition; error: Error }[], errors: [] as Error[], lost: [] as Partition[] };
		const member = await group.join({
			...rest,
			async onAssigned(partitions, self) {
				moved("assigned", partitions);
				await onAssigned?.(partitions, self);
			},
			async onRevoked(partitions, self) {
				moved("revoked", partitions);
				await onRevoked?.(partitions, self);
			},
			onLost(partitions, self) {
				moved("lost", partitions);
				participant.lost.push(...partitions);
				onLost?.(partitions, self);
			},
		});
		member.on("committed", (offsets) => this.#committed(name, offsets));
		member.on("stuck", (partition, error) => void participant.stuck.push({ partition, error }));
		member.on("error", (error) => void participant.errors.push(error));
		let failure: unknown;
		const done = member.run(this.#recording(name, seen, handle ?? (() => {})), rest).catch((error: unknown) => {
			failure = error;
		});
		const close = async () => {
			await member.close();
			this.record({ kind: "ended", at: clock.wall(), member: name, how: "closed" });
		};
		return { name, member, done, failure: () => failure, seen, ...participant, close };
	}

	/** The member's connection is cut: from here on its end was not a clean one. */
	killed(participant: Participant): void {
		this.record({ kind: "ended", at: clock.wall(), member: participant.name, how: "killed" });
	}

	#recording(name: string, seen: Message<Item>[], handle: ItemHandler): ItemHandler {
		return async (message, context) => {
			const place = { member: name, partition: partitionKey(message.partition), offset: message.offset, fence: message.fence };
			this.record({ kind: "started", at: clock.wall(), ...place, id: `${message.value.n}`, key: message.key, attempt: message.attempt });
			seen.push(message);
			try {
				await handle(message, context);
			} catch (error) {
				this.record({ kind: "failed", at: clock.wall(), ...place });
				throw error;
			}
			this.record({ kind: "finished", at: clock.wall(), ...place });
		};
	}

	#committed(member: string, offsets: ReadonlyMap<Partition, Offset>): void {
		for (const [partition, offset] of offsets)
			this.record({ kind: "committed", at: clock.wall(), member, partition: partitionKey(partition), offset });
	}

	/** How many different items have been handled. */
	get distinct(): number {
		const ids = new Set<string>();
		const places = new Map<string, string>();
		for (const event of this.events) {
			if (event.kind === "started") places.set(`${event.partition}@${event.offset}`, event.id);
			else if (event.kind === "finished") ids.add(places.get(`${event.partition}@${event.offset}`) ?? "");
		}
		return ids.size;
	}

	/** How many handlers have ended well. */
	get finished(): number {
		return this.events.filter((event) => event.kind === "finished").length;
	}

	async untilHandled(count: number, ms = 15_000): Promise<void> {
		await until(
			() => this.distinct >= count,
			() => `${count} messages were handled (${this.distinct} are)`,
			ms,
		);
	}

	/** Fails unless the history keeps the contract. */
	verify(rules: HistoryRules = {}): Verdict {
		const verdict = checkHistory(this.events, rules);
		assert.deepEqual(verdict.violations.slice(0, 5), [], "the history breaks the contract");
		return verdict;
	}
}

// Keeps the history of one check, and the participants that write it.
import assert from "node:assert/strict";
import type { ConsumerGroup, Member, MemberOptions, Message, Offset, Partition, Producer, RunOptions } from "@polylog/core";
import { type Context } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import type { ChildMember } from "./child.ts";
import { checkHistory, type Verdict, violationLine } from "./history/check-history.ts";
import { type HistoryEvent, mergeHistories, type MoveEvent } from "./history/event.ts";
import type { HistoryRules } from "./history/judge.ts";
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

/** Clocks of processes on one machine, and the time between an event and its line. */
const SKEW_MS = 25;

export class Recorder {
	readonly #own: HistoryEvent[] = [];
	readonly #children: ChildMember[] = [];
	readonly #groups = new Set<string>();
	readonly #producers = new WeakMap<Producer<Item>, string>();
	#rules: HistoryRules = {};
	#names = 0;
	#order = 0;
	#producerCount = 0;

	/** What happened so far. Of several processes in the order of their clocks. */
	get events(): readonly HistoryEvent[] {
		return this.#children.length === 0 ? this.#own : mergeHistories(this.#own, ...this.#children.map((child) => child.events));
	}

	record(event: HistoryEvent): void {
		this.#own.push(event);
	}

	/** A member in a process of its own belongs to this history. */
	adopt(child: ChildMember, group: string): void {
		this.#children.push(child);
		this.#groups.add(group);
	}

	/** Sends `count` items and takes note of each receipt. Keys spread over all partitions. */
	async send(
		producer: Producer<Item>,
		count: number,
		options: { from?: number; keys?: number; partition?: number; pad?: string } = {},
	): Promise<void> {
		const from = options.from ?? 0;
		const name = this.#producers.get(producer) ?? `p${++this.#producerCount}`;
		this.#producers.set(producer, name);
		const sends = Array.from({ length: count }, async (_, i) => {
			const n = from + i;
			const where = options.partition === undefined ? { key: `k${n % (options.keys ?? 23)}` } : { partition: options.partition };
			const value: Item = options.pad === undefined ? { n } : { n, pad: options.pad };
			const order = this.#order++;
			const receipt = await producer.send(value, where);
			const offset = receipt.offset === undefined ? {} : { offset: receipt.offset };
			const partition = partitionKey(receipt.partition);
			this.record({ kind: "sent", at: clock.wall(), producer: name, id: `${n}`, status: "ok", order, partition, ...offset });
		});
		await Promise.all(sends);
	}

	/** Joins and handles. */
	async follow(group: ConsumerGroup<Item>, options: FollowOptions = {}): Promise<Participant> {
		const name = `m${++this.#names}`;
		this.#groups.add(group.name);
		if (options.order === "key") this.#rules = { ...this.#rules, order: "key" };
		const seen: Message<Item>[] = [];
		const { handle: _, onAssigned, onRevoked, onLost, ...rest } = options;
		const moved = (kind: "assigned" | "revoked" | "lost", partitions: readonly Partition[]) =>
			this.record({ kind, at: clock.wall(), member: name, group: group.name, partitions: partitions.map(partitionKey) });
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
		this.#noteSeeks(group.name, member);
		member.on("committed", (offsets) => this.#committed(name, group.name, offsets));
		member.on("stuck", (partition, error) => void participant.stuck.push({ partition, error }));
		member.on("error", (error) => {
			participant.errors.push(error);
			if (error.code === "OFFSET_OUT_OF_RANGE") this.#move({ kind: "moved", at: clock.wall(), group: group.name, by: "policy" });
		});
		let failure: unknown;
		const handler = this.#recording({ member: name, group: group.name }, seen, options);
		const done = member.run(handler, rest).catch((error: unknown) => {
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

	/** What the context saw of a group: kept if this history is about it. */
	note(group: string, event: HistoryEvent): void {
		if (this.#groups.has(group)) this.record(event);
	}

	#move(event: MoveEvent): void {
		this.record(event);
	}

	/** A seek is a move on purpose, from the call until it has resolved. */
	#noteSeeks(group: string, member: Member<Item>): void {
		const seek = member.seek.bind(member);
		member.seek = async (to, partitions) => {
			const of = { group, by: "seek", partitions: (partitions ?? member.assignment).map(partitionKey) } as const;
			this.#move({ kind: "moving", at: clock.wall(), ...of });
			try {
				await seek(to, partitions);
			} finally {
				this.#move({ kind: "moved", at: clock.wall(), ...of });
			}
		};
	}

	#recording(of: { member: string; group: string }, seen: Message<Item>[], { handle, onFailure }: FollowOptions): ItemHandler {
		const disposable = onFailure !== undefined && onFailure.kind !== "stop";
		return async (message, context) => {
			const place = { ...of, partition: partitionKey(message.partition), offset: message.offset, fence: message.fence };
			this.record({ kind: "started", at: clock.wall(), ...place, id: `${message.value.n}`, key: message.key, attempt: message.attempt });
			seen.push(message);
			try {
				await handle?.(message, context);
			} catch (error) {
				this.record({ kind: "failed", at: clock.wall(), ...place, disposable });
				throw error;
			}
			this.record({ kind: "finished", at: clock.wall(), ...place });
		};
	}

	#committed(member: string, group: string, offsets: ReadonlyMap<Partition, Offset>): void {
		for (const [partition, offset] of offsets)
			this.record({ kind: "committed", at: clock.wall(), member, group, partition: partitionKey(partition), offset });
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

	/** Fails unless the history keeps the contract; by default everything sent has to be handled by now. */
	verify(rules: HistoryRules = {}): Verdict {
		const skew = this.#children.length > 0 ? { skewMs: SKEW_MS } : {};
		const verdict = checkHistory(this.events, { ...skew, ...this.#rules, ...rules });
		const lines = verdict.violations.slice(0, 5).map(violationLine);
		assert.ok(lines.length === 0, `the history breaks the contract: ${lines.join("; ")}`);
		return verdict;
	}
}

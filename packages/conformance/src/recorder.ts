// Keeps the history of one check, and the participants that write it.
import assert from "node:assert/strict";
import type { Broker, ConsumerGroup, Context, Member, MemberOptions, Message, Partition, Producer, RunOptions, Topic } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import type { ChildMember } from "./child.ts";
import { checkHistory, type Verdict, violationLine } from "./history/check-history.ts";
import { type HistoryEvent, mergeHistories } from "./history/event.ts";
import type { HistoryRules } from "./history/judge.ts";
import { readAll } from "./reading.ts";
import { recorded, recordedHandler, type Scribe } from "./recorded-member.ts";
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

/** A member of a group whose history is kept. */
export interface Joined {
	readonly name: string;
	readonly member: Member<Item>;
	/** What it has been handed, in order. */
	readonly seen: readonly Message<Item>[];
	/** What `stuck`, `error` and `lost` said. */
	readonly stuck: { readonly partition: Partition; readonly error: Error }[];
	readonly errors: Error[];
	readonly lost: Partition[];
	/** Closes the member and takes note of it. */
	close(): Promise<void>;
}

/** One that handles. */
export interface Participant extends Joined {
	/** Of `member.run`; never rejects. */
	readonly done: Promise<void>;
	/** What `run` rejected with. */
	failure(): unknown;
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

	/** Joins; what comes of it is recorded, in whichever way it is taken. */
	async join(group: ConsumerGroup<Item>, options: MemberOptions<Item> = {}): Promise<Joined> {
		const scribe = this.#scribe(group.name);
		const told = { stuck: [] as { partition: Partition; error: Error }[], errors: [] as Error[], lost: [] as Partition[] };
		const hooks = this.#hooks(scribe, options);
		const member = await group.join({
			...options,
			...hooks,
			onLost(partitions, self) {
				told.lost.push(...partitions);
				hooks.onLost(partitions, self);
			},
		});
		recorded(member, scribe);
		member.on("stuck", (partition, error) => void told.stuck.push({ partition, error }));
		member.on("error", (error) => {
			told.errors.push(error);
			if (error.code === "OFFSET_OUT_OF_RANGE") this.record({ kind: "moved", at: clock.wall(), group: group.name, by: "policy" });
		});
		const close = async () => {
			await member.close();
			this.record({ kind: "ended", at: clock.wall(), member: scribe.member, how: "closed" });
		};
		return { name: scribe.member, member, seen: scribe.seen, ...told, close };
	}

	/** Joins and handles. */
	async follow(group: ConsumerGroup<Item>, options: FollowOptions = {}): Promise<Participant> {
		const { handle = () => {}, onAssigned, onRevoked, onLost, ...rest } = options;
		if (options.order === "key") this.#rules = { ...this.#rules, order: "key" };
		const joined = await this.join(group, {
			...rest,
			...(onAssigned && { onAssigned }),
			...(onRevoked && { onRevoked }),
			...(onLost && { onLost }),
		});
		let failure: unknown;
		const done = joined.member.run(handle, rest).catch((error: unknown) => {
			failure = error;
		});
		return { ...joined, done, failure: () => failure };
	}

	/** `group.run`. */
	async run(group: ConsumerGroup<Item>, handle: ItemHandler, options: RunOptions & MemberOptions<Item> = {}): Promise<void> {
		const scribe = this.#scribe(group.name);
		await group.run(recordedHandler(handle, scribe, options.onFailure), { ...options, ...this.#hooks(scribe, options) });
	}

	/** Reads the topic to its end without a group: what is found there is held against what was sent. */
	async readBack(broker: Broker, topic: Topic<Item>): Promise<Message<Item>[]> {
		const reader = `r${++this.#names}`;
		const handler = recordedHandler(() => {}, this.#scribe(reader));
		const messages = await readAll(broker, topic);
		for (const message of messages) await handler(message, { signal: new AbortController().signal });
		return messages;
	}

	/** The member's connection is cut: from here on its end was not a clean one. */
	killed(participant: Joined): void {
		this.record({ kind: "ended", at: clock.wall(), member: participant.name, how: "killed" });
	}

	/** What the context saw of a group: kept if this history is about it. */
	note(group: string, event: HistoryEvent): void {
		if (this.#groups.has(group)) this.record(event);
	}

	#scribe(group: string): Scribe {
		this.#groups.add(group);
		return { member: `m${++this.#names}`, group, record: (event) => this.record(event), seen: [] };
	}

	#hooks({ member, group }: Scribe, { onAssigned, onRevoked, onLost }: MemberOptions<Item>) {
		const moved = (kind: "assigned" | "revoked" | "lost", partitions: readonly Partition[]) =>
			this.record({ kind, at: clock.wall(), member, group, partitions: partitions.map(partitionKey) });
		return {
			async onAssigned(partitions: readonly Partition[], self: Member<Item>) {
				moved("assigned", partitions);
				await onAssigned?.(partitions, self);
			},
			async onRevoked(partitions: readonly Partition[], self: Member<Item>) {
				moved("revoked", partitions);
				await onRevoked?.(partitions, self);
			},
			onLost(partitions: readonly Partition[], self: Member<Item>) {
				moved("lost", partitions);
				onLost?.(partitions, self);
			},
		};
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

	/** By default everything sent has to be handled by now. `broken` says in words how the history breaks the contract. */
	judge(rules: HistoryRules = {}): Verdict & { readonly broken: string | undefined } {
		const skew = this.#children.length > 0 ? { skewMs: SKEW_MS } : {};
		const verdict = checkHistory(this.events, { ...skew, ...this.#rules, ...rules });
		return { ...verdict, broken: brokenText(verdict) };
	}

	/** Fails unless the history keeps the contract. */
	verify(rules: HistoryRules = {}): Verdict {
		const { broken, ...verdict } = this.judge(rules);
		assert.ok(broken === undefined, broken);
		return verdict;
	}
}

/** The first record of each broken promise: one slip often trips the same judge at many records. */
function brokenText({ violations }: Verdict): string | undefined {
	if (violations.length === 0) return undefined;
	const firsts = violations.filter((one, at) => violations.findIndex(({ key }) => key === one.key) === at);
	const more = violations.length - firsts.length;
	return `the history breaks the contract: ${firsts.map(violationLine).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

// A member whose history is kept, in whichever way its messages are taken: by run, in batches, or one by one in a loop.
import type { Batch, Context, FailurePolicy, Member, Message, Partition } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import type { HistoryEvent } from "./history/event.ts";
import type { Item, ItemHandler } from "./recorder.ts";
import { clock } from "./time.ts";

/** Whose history it is, and where it goes. */
export interface Scribe {
	readonly member: string;
	readonly group: string;
	readonly record: (event: HistoryEvent) => void;
	/** What was handed out, in order. */
	readonly seen: Message<Item>[];
}

/** The same member; it is changed in place. */
export function recorded(member: Member<Item>, scribe: Scribe): Member<Item> {
	const run = member.run.bind(member);
	member.run = (handler, options) => run(recordedHandler(handler, scribe, options?.onFailure), options);
	recordBatches(member, scribe);
	recordLoop(member, scribe);
	recordSeeks(member, scribe);
	member.on("committed", (offsets) => {
		const { group } = scribe;
		for (const [partition, offset] of offsets)
			scribe.record({ kind: "committed", at: clock.wall(), member: scribe.member, group, partition: partitionKey(partition), offset });
	});
	return member;
}

export function recordedHandler(handler: ItemHandler, scribe: Scribe, onFailure?: FailurePolicy): ItemHandler {
	const handed = handedTo(scribe, onFailure);
	return (message: Message<Item>, context: Context) => handed([message], () => handler(message, context));
}

function recordBatches(member: Member<Item>, scribe: Scribe): void {
	const runBatches = member.runBatches.bind(member);
	let count = 0;
	member.runBatches = (handler, options) => {
		const handed = handedTo(scribe, options?.onFailure);
		const recording = (batch: Batch<Item>, context: Context) => handed(batch.messages, () => handler(batch, context), ++count);
		return runBatches(recording, options);
	};
}

/** Around a handler's call. */
function handedTo(scribe: Scribe, onFailure: FailurePolicy | undefined) {
	const disposable = onFailure !== undefined && onFailure.kind !== "stop";
	return async (messages: readonly Message<Item>[], handle: () => unknown, batch?: number) => {
		for (const message of messages) started(message, scribe, batch);
		try {
			await handle();
		} catch (error) {
			for (const message of messages) ended(message, scribe, { kind: "failed", disposable });
			throw error;
		}
		for (const message of messages) ended(message, scribe, { kind: "finished" });
	};
}

/** Asking for the next message is what finishes the one in hand; leaving the loop hands it back. */
function recordLoop(member: Member<Item>, scribe: Scribe): void {
	const iterate = member[Symbol.asyncIterator].bind(member);
	const commit = member.commit.bind(member);
	let inHand: Message<Item> | undefined;
	const settle = (how: Parameters<typeof ended>[2]) => {
		if (inHand) ended(inHand, scribe, how);
		inHand = undefined;
	};
	member.commit = (what) => {
		// The application's own word that it is done with it.
		if (what !== undefined && what === inHand) settle({ kind: "finished" });
		return commit(what);
	};
	member[Symbol.asyncIterator] = () => {
		const inner = iterate();
		return {
			async next() {
				settle({ kind: "finished" });
				const result = await inner.next();
				if (result.done) return result;
				inHand = result.value;
				started(inHand, scribe);
				return result;
			},
			async return(value?: unknown) {
				settle({ kind: "failed", disposable: false });
				return (await inner.return?.(value)) ?? { done: true, value };
			},
		};
	};
}

/** A seek is a move on purpose, from the call until it has resolved. */
function recordSeeks(member: Member<Item>, { group, record }: Scribe): void {
	const seek = member.seek.bind(member);
	member.seek = async (to, partitions?: readonly Partition[]) => {
		const of = { group, by: "seek", partitions: (partitions ?? member.assignment).map(partitionKey) } as const;
		record({ kind: "moving", at: clock.wall(), ...of });
		try {
			await seek(to, partitions);
		} finally {
			record({ kind: "moved", at: clock.wall(), ...of });
		}
	};
}

function started(message: Message<Item>, scribe: Scribe, batch?: number): void {
	const { key, attempt, value } = message;
	const together = batch === undefined ? {} : { batch };
	scribe.record({ kind: "started", at: clock.wall(), ...placeOf(message, scribe), id: `${value.n}`, key, attempt, ...together });
	scribe.seen.push(message);
}

function ended(message: Message<Item>, scribe: Scribe, how: { kind: "finished" } | { kind: "failed"; disposable: boolean }): void {
	scribe.record({ at: clock.wall(), ...placeOf(message, scribe), ...how });
}

const placeOf = ({ partition, offset, fence }: Message<Item>, { member, group }: Scribe) =>
	({ member, group, partition: partitionKey(partition), offset, fence }) as const;

// A member whose history is kept, in whichever way its messages are taken: by run, in batches, or one by one in a loop.
import type { Batch, Context, FailurePolicy, Handler, Member, MemberOptions, Message, Partition } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import type { HistoryEvent } from "./history/event.ts";
import { clock } from "./time.ts";

/** Whose history it is, and where it goes. */
export interface Scribe<T> {
	readonly member: string;
	readonly group: string;
	readonly record: (event: HistoryEvent) => void;
	/** What tells the message from all others of the history. */
	readonly idOf: (message: Message<T>) => string;
	/** What was handed out, in order. */
	readonly seen?: Message<T>[];
}

/** The same member; it is changed in place. */
export function recorded<T>(member: Member<T>, scribe: Scribe<T>): Member<T> {
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

export function recordedHandler<T>(handler: Handler<T>, scribe: Scribe<T>, onFailure?: FailurePolicy): Handler<T> {
	const handed = handedTo(scribe, onFailure);
	return (message: Message<T>, context: Context) => handed([message], () => handler(message, context));
}

/** The hooks of a member, which tell what it owns before the application's own are asked. */
export function recordedHooks<T>({ member, group, record }: Scribe<T>, { onAssigned, onRevoked, onLost }: MemberOptions<T>) {
	const moved = (kind: "assigned" | "revoked" | "lost", partitions: readonly Partition[]) =>
		record({ kind, at: clock.wall(), member, group, partitions: partitions.map(partitionKey) });
	return {
		async onAssigned(partitions: readonly Partition[], self: Member<T>) {
			moved("assigned", partitions);
			await onAssigned?.(partitions, self);
		},
		async onRevoked(partitions: readonly Partition[], self: Member<T>) {
			moved("revoked", partitions);
			await onRevoked?.(partitions, self);
		},
		onLost(partitions: readonly Partition[], self: Member<T>) {
			moved("lost", partitions);
			onLost?.(partitions, self);
		},
	};
}

function recordBatches<T>(member: Member<T>, scribe: Scribe<T>): void {
	const runBatches = member.runBatches.bind(member);
	let count = 0;
	member.runBatches = (handler, options) => {
		const handed = handedTo(scribe, options?.onFailure);
		const recording = (batch: Batch<T>, context: Context) => handed(batch.messages, () => handler(batch, context), ++count);
		return runBatches(recording, options);
	};
}

/** Around a handler's call. */
function handedTo<T>(scribe: Scribe<T>, onFailure: FailurePolicy | undefined) {
	const disposable = onFailure !== undefined && onFailure.kind !== "stop";
	return async (messages: readonly Message<T>[], handle: () => unknown, batch?: number) => {
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
function recordLoop<T>(member: Member<T>, scribe: Scribe<T>): void {
	const iterate = member[Symbol.asyncIterator].bind(member);
	const commit = member.commit.bind(member);
	let inHand: Message<T> | undefined;
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
function recordSeeks<T>(member: Member<T>, { group, record }: Scribe<T>): void {
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

function started<T>(message: Message<T>, scribe: Scribe<T>, batch?: number): void {
	const { key, attempt } = message;
	const together = batch === undefined ? {} : { batch };
	scribe.record({ kind: "started", at: clock.wall(), ...placeOf(message, scribe), id: scribe.idOf(message), key, attempt, ...together });
	scribe.seen?.push(message);
}

function ended<T>(message: Message<T>, scribe: Scribe<T>, how: { kind: "finished" } | { kind: "failed"; disposable: boolean }): void {
	scribe.record({ at: clock.wall(), ...placeOf(message, scribe), ...how });
}

const placeOf = <T>({ partition, offset, fence }: Message<T>, { member, group }: Scribe<T>) =>
	({ member, group, partition: partitionKey(partition), offset, fence }) as const;

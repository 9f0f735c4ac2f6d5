// This process' part in a group, as the application holds it. Only wires its parts, and closes them in order.
import { abortedError } from "../aborted.ts";
import type { Message } from "../api/message.ts";
import type { Member, MemberEvents, MemberOptions, PartitionState } from "../api/member.ts";
import type { BatchHandler, BatchOptions, Handler, RunOptions } from "../api/run-options.ts";
import { Bell } from "../bell.ts";
import type { RunningHandler } from "../delivery/delivery.ts";
import type { GroupSession } from "../driver/group-session.ts";
import { PolylogError } from "../errors.ts";
import type { Offset, Position } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { partitionContext } from "../partition-context.ts";
import { checkPosition } from "../position.ts";
import { batchWorker } from "./batch-worker.ts";
import { Committer } from "./committer.ts";
import { keyedWorker } from "./keyed-worker.ts";
import { closeMember } from "./member-closing.ts";
import { failureOf, MemberHooks } from "./member-hooks.ts";
import type { MemberParts } from "./member-parts.ts";
import { MessageTaker } from "./message-taker.ts";
import { Ownership } from "./ownership.ts";
import type { PartitionLane } from "./partition-lane.ts";
import { checkRunOptions } from "./settings.ts";
import { serialWorker } from "./serial-worker.ts";
import { Watchdog } from "./watchdog.ts";

const CLOSE_DEADLINE_MS = 30_000;
const BATCH_MESSAGES = 500;
const BUFFERED = { records: 1_000, bytes: 4 * 1024 * 1024 };

export class GroupMember<T> implements Member<T> {
	readonly #parts: MemberParts<T>;
	readonly #options: MemberOptions<T>;
	readonly #bell = new Bell();
	readonly #hooks: MemberHooks<T>;
	readonly #ownership: Ownership;
	readonly #committer: Committer;
	readonly #watchdog: Watchdog<RunningHandler>;
	readonly #taker: MessageTaker<T>;
	readonly #session = Promise.withResolvers<GroupSession>();
	readonly #ended = Promise.withResolvers<void>();
	/** Set by `join`; before that nothing is owned. */
	#joined: GroupSession | undefined;
	#failure: PolylogError | undefined;
	#closing: Promise<void> | undefined;
	#over = false;
	/** Ends a join under way. */
	readonly #ending = new AbortController();
	readonly #onAbort = () => void this.close().catch((error: unknown) => this.#hooks.report(failureOf("closing", error)));

	constructor(parts: MemberParts<T>, options: MemberOptions<T>) {
		const { backend, group } = parts;
		const session = () => this.#session.promise;
		const lanes = () => this.#ownership.lanes;
		// Whoever asks for the session hears of a failed join; that nobody asked is not an unhandled rejection.
		this.#session.promise.catch(() => {});
		this.#parts = parts;
		this.#options = options;
		this.#hooks = new MemberHooks({ member: this, options, group, log: backend.log });
		this.#watchdog = new Watchdog(backend.clock, options.maxHandlerMs ?? Infinity, (handler) => this.#giveUpOn(handler));
		this.#committer = new Committer({
			session,
			clock: backend.clock,
			owned: (partition, fence) => this.#owned(partition, fence),
			onCommitted: (offsets) => this.#hooks.committed(offsets),
			wrap: (error) => backend.wrap(error, `committing for group ${group}`, { group }),
		});
		this.#taker = new MessageTaker({
			member: parts,
			defaults: options,
			bell: this.#bell,
			hooks: this.#hooks,
			committer: this.#committer,
			watchdog: this.#watchdog,
			lanes,
			isClosing: () => this.#isClosing(),
			closed: async () => this.#closing,
			fail: (error) => this.#fail(error),
			ended: this.#ended.promise,
		});
		this.#ownership = new Ownership({
			backend,
			group,
			bell: this.#bell,
			limits: { records: options.maxBufferedRecords ?? BUFFERED.records, bytes: options.maxBufferedBytes ?? BUFFERED.bytes },
			from: parts.from,
			onOutOfRange: parts.onOutOfRange,
			session,
			events: {
				assigned: (partitions) => this.#hooks.assigned(partitions),
				revoking: (given) => this.#commitAndTell(given),
				lost: (partitions, reason) => this.#hooks.lost(partitions, reason),
				ready: (lane) => this.#taker.add(lane),
				stuck: (lane, error) => this.#hooks.stuck(lane, error),
				report: (error) => this.#hooks.report(error),
				fatal: (error) => this.#fail(error),
			},
		});
	}

	/** Joins the group; called once, by the group. */
	async join(signal?: AbortSignal): Promise<void> {
		const ended = this.#ending.signal;
		try {
			const session = await this.#parts.join(this.#ownership, signal ? AbortSignal.any([signal, ended]) : ended);
			if (ended.aborted) session.destroy();
			ended.throwIfAborted();
			this.#joined = session;
			this.#session.resolve(session);
		} catch (error) {
			const wrapped = this.#joinFailed(error, signal);
			this.#session.reject(wrapped);
			throw wrapped;
		}
		this.#options.signal?.addEventListener("abort", this.#onAbort, { once: true });
		if (this.#options.signal?.aborted) await this.close();
	}

	#joinFailed(error: unknown, signal: AbortSignal | undefined): PolylogError {
		const { backend, group, closed } = this.#parts;
		// It may end before whoever joins hears that it has joined.
		if (this.#failure) return this.#failure;
		if (this.#ending.signal.aborted) return closed();
		if (signal?.aborted) return abortedError(signal, `joining group ${group}`);
		return backend.wrap(error, `joining group ${group}`, { group });
	}

	get id(): string {
		return this.#joined?.memberId ?? "";
	}

	get assignment(): readonly Partition[] {
		return this.#ownership.lanes.map((lane) => lane.partition);
	}

	async run(handler: Handler<T>, options: RunOptions = {}): Promise<void> {
		checkRunOptions(options);
		const worker = options.order === "key" ? keyedWorker : serialWorker;
		await this.#taker.run("run", options, (parts, delivery) =>
			worker(parts, delivery, (message: Message<T>) => handler(message, parts.lane.context)),
		);
		await this.#closing;
	}

	async runBatches(handler: BatchHandler<T>, options: BatchOptions = {}): Promise<void> {
		checkRunOptions(options);
		const most = options.maxMessages ?? BATCH_MESSAGES;
		await this.#taker.run("runBatches", options, (parts, delivery) =>
			batchWorker(parts, delivery, (batch) => handler(batch, parts.lane.context), most),
		);
		await this.#closing;
	}

	[Symbol.asyncIterator](): AsyncIterator<Message<T>> {
		return this.#taker.iterate();
	}

	pause(partitions: readonly Partition[] = this.assignment): void {
		for (const partition of partitions) this.#ownership.pause(partition, true);
	}

	resume(partitions?: readonly Partition[]): void {
		if (!partitions) this.#ownership.resumeAll();
		for (const partition of partitions ?? this.assignment) {
			this.#ownership.pause(partition, false);
			const lane = this.#ownership.get(partition);
			if (lane) this.#ownership.restart(lane).catch((error: unknown) => this.#hooks.report(failureOf("resuming", error)));
		}
	}

	async seek(to: Position, partitions: readonly Partition[] = this.assignment): Promise<void> {
		this.#checkOpen();
		checkPosition(to);
		const lanes = partitions.map((partition) => this.#owned(partition));
		const moves = await Promise.all(lanes.map(async (lane) => ({ lane, offset: await this.#parts.backend.resolve(lane.partition, to) })));
		for (const { lane } of moves) this.#owned(lane.partition, lane.fence);
		for (const { lane, offset } of moves) this.#ownership.seek(lane, offset);
	}

	async commit(what?: Message<T> | ReadonlyMap<Partition, Offset>): Promise<void> {
		this.#checkOpen();
		if (what === undefined) await this.#committer.flush(this.#ownership.lanes, true);
		else if ("offset" in what) await this.#committer.commitMessage(what);
		else await this.#committer.commitOffsets(what);
	}

	position(partition: Partition): Offset | undefined {
		return this.#ownership.get(partition)?.position;
	}

	state(partition: Partition): PartitionState | undefined {
		const state = this.#ownership.get(partition)?.state;
		return state === "ended" ? undefined : state;
	}

	on<E extends keyof MemberEvents>(event: E, listener: MemberEvents[E]): this {
		this.#hooks.events.on(event, listener as never);
		return this;
	}

	off<E extends keyof MemberEvents>(event: E, listener: MemberEvents[E]): this {
		this.#hooks.events.off(event, listener as never);
		return this;
	}

	close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
		const { deadlineMs = CLOSE_DEADLINE_MS } = options;
		if (typeof deadlineMs !== "number" || !(deadlineMs >= 0))
			return Promise.reject(new RangeError(`deadlineMs must be a number of at least 0, not ${deadlineMs}`));
		this.#closing ??= closeMember(
			{
				clock: this.#parts.backend.clock,
				ownership: this.#ownership,
				taker: this.#taker,
				committer: this.#committer,
				hooks: this.#hooks,
				begins: () => this.#ending.abort(new Error("the member closes")),
				session: () => this.#joined,
				ends: () => this.#end("the member closed"),
				deadLetters: this.#parts.deadLetters,
			},
			deadlineMs,
		);
		return this.#closing;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Ends at once without a word to anybody, as the death of the process would. */
	destroy(): void {
		this.#closing ??= Promise.resolve();
		this.#end("the member was destroyed");
	}

	/** For lanes that are drained and about to be given up. */
	async #commitAndTell(lanes: readonly PartitionLane[]): Promise<void> {
		try {
			if (!this.#taker.manual) await this.#committer.flush(lanes);
		} catch (error) {
			this.#hooks.report(failureOf("committing", error));
		}
		await this.#hooks.revoked(lanes.map((lane) => lane.partition));
	}

	#giveUpOn({ lane, givenUp }: RunningHandler): void {
		givenUp?.();
		const reason = `a handler ran past maxHandlerMs (${this.#options.maxHandlerMs})`;
		this.#hooks.report(
			new PolylogError("HANDLER_TIMEOUT", `${reason} on ${lane.key}: the partition is given up`, {
				...partitionContext(lane.partition),
				group: this.#parts.group,
			}),
		);
		this.#ownership.abandon(lane, reason).catch((error: unknown) => this.#hooks.report(failureOf("giving up a partition", error)));
	}

	/** The end nobody asked for: rejects `run`, and ends the iterator with the error. */
	#fail(error: PolylogError): void {
		if (this.#failure || this.#closing) return;
		this.#failure = error;
		this.#parts.backend.log.error(`group ${this.#parts.group}: the member ended: ${error.message}`);
		this.#end(error.message);
	}

	#end(reason: string): void {
		this.#over = true;
		this.#ending.abort(new Error(reason));
		this.#options.signal?.removeEventListener("abort", this.#onAbort);
		this.#ownership.abort(reason);
		this.#joined?.destroy();
		this.#watchdog.close();
		this.#ended.resolve();
		this.#bell.ring();
		this.#parts.onEnd(this);
	}

	/** Committing is allowed while closing: handlers and `onRevoked` may still do it. */
	#checkOpen(): void {
		if (this.#failure) throw this.#failure;
		if (this.#over) throw this.#parts.closed();
	}

	#isClosing(): boolean {
		if (this.#failure) throw this.#failure;
		return this.#closing !== undefined;
	}

	#owned(partition: Partition, fence?: bigint): PartitionLane {
		const lane = this.#ownership.get(partition);
		if (lane && (fence === undefined || fence === lane.fence)) return lane;
		const { group } = this.#parts;
		throw new PolylogError("FENCED", `this member of group ${group} does not own ${partitionKey(partition)} (any more)`, {
			...partitionContext(partition),
			group,
		});
	}
}

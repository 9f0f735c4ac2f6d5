// A member's session: the thin shell that runs one incarnation after another over a journal. It reads, appends, keeps one
// timer, and tells the listener; everything it decides is decided in `incarnation.ts` and the fold.
import type { Commit, GroupSession, JoinRequest, SessionListener } from "../driver/group-session.ts";
import type { JournalLog } from "../driver/journal-log.ts";
import { PolylogError } from "../errors.ts";
import { type Partition, partitionKey } from "../partition.ts";
import { sleep } from "../clock.ts";
import type { JournalContext } from "./context.ts";
import { ChainAlarm } from "./chain-alarm.ts";
import type { Entry } from "./entry.ts";
import { Follower } from "./follower.ts";
import { History } from "./history.ts";
import type { Holding } from "./holdings.ts";
import { Identity } from "./identity.ts";
import { Incarnation } from "./incarnation.ts";
import { instant } from "./lease.ts";
import { Mirror } from "./mirror.ts";
import { fenced, type PendingCommit } from "./pending-commits.ts";
import { isPlaceLost } from "./place.ts";
import { ReadLoop } from "./read-loop.ts";
import { Sender } from "./sender.ts";
import { SideDuties } from "./side-duties.ts";
import type { PartitionKey } from "./state.ts";
import { longestPause } from "./timing.ts";
import { Trouble } from "./trouble.ts";
import { Wakeup } from "./wakeup.ts";

/** Another incarnation has to follow: on what was read so far, or after reading the journal anew. */
interface Rebirth {
	readonly reboot: boolean;
}

export class JournalSession implements GroupSession {
	readonly #context: JournalContext;
	readonly #request: JoinRequest;
	readonly #listener: SessionListener;
	readonly #log: JournalLog;
	readonly #follower: Follower;
	readonly #reader: ReadLoop;
	readonly #sender: Sender;
	readonly #duties: SideDuties;
	readonly #trouble: Trouble;
	readonly #chains: ChainAlarm;
	readonly #mirror: Mirror;
	readonly #wakeup: Wakeup;
	readonly #history = new History();
	readonly #end = new AbortController();
	readonly #started = Promise.withResolvers<void>();
	/** Resolves when nothing more will happen. */
	readonly #over = Promise.withResolvers<void>();
	/** Partitions given up whose handler still runs in this process; survives incarnations. */
	readonly #stuck = new Set<PartitionKey>();
	readonly #identity: Identity;
	/** `join` has resolved: from then on the end is the listener's to hear of. */
	#member = false;
	#incarnation: Incarnation | undefined;
	#memberId = "";
	#closing = false;

	constructor(
		context: JournalContext,
		request: JoinRequest,
		listener: SessionListener,
		log: JournalLog,
		counts: ReadonlyMap<string, number>,
	) {
		this.#context = context;
		this.#request = request;
		this.#identity = new Identity(request);
		this.#listener = listener;
		this.#log = log;
		this.#follower = new Follower(log, { ...context, group: request.group });
		this.#reader = new ReadLoop(this.#follower, context.timing.readWaitMs);
		this.#trouble = new Trouble(context, request.group, this.#end.signal);
		this.#sender = new Sender(log, this.#reader, context.clock, {
			notIntact: () => this.#abort("records that this member had processed are gone from the log"),
			failed: (error) => this.#trouble.warn(error),
			answered: () => this.#wakeup.soon(),
		});
		this.#duties = new SideDuties(context, log, this.#follower, this.#trouble, {
			end: this.#end.signal,
			counts,
			onCounts: () => this.#wakeup.soon(),
		});
		this.#chains = new ChainAlarm(this.#follower, (member, at) => {
			context.log.error(`member ${member} of group "${request.group}" read another journal than this one up to entry ${at}`);
			this.#follower.doubt();
		});
		this.#mirror = new Mirror(context.journals, request.group, context.log);
		this.#wakeup = new Wakeup(context.clock, () => this.#tick());
	}

	/** Resolves with the first membership. */
	async start(signal?: AbortSignal): Promise<void> {
		const stop = () => {
			this.#started.reject(signal?.reason);
			this.destroy();
		};
		if (signal?.aborted) stop();
		signal?.addEventListener("abort", stop, { once: true });
		void this.#run();
		try {
			await this.#started.promise;
		} finally {
			signal?.removeEventListener("abort", stop);
		}
	}

	get memberId(): string {
		return this.#memberId;
	}

	mayDispatch(partition: Partition, fence: bigint, finishing = false): boolean {
		const incarnation = this.#incarnation;
		const holding = incarnation?.holdings.get(partitionKey(partition));
		if (!incarnation || this.#closing || holding?.fence !== fence) return false;
		if (holding.phase !== "active" && !(finishing && holding.phase === "revoking")) return false;
		return incarnation.lease.holds(instant(this.#context.clock));
	}

	async commit(commit: Commit): Promise<void> {
		if (this.#closing || this.#ended) throw this.#closed();
		const incarnation = this.#incarnation;
		const holding = incarnation?.holdings.get(partitionKey(commit.partition));
		if (!incarnation || !holding || holding.fence !== commit.fence || holding.phase === "gone") throw fenced(commit);
		const accepted = incarnation.pending.add(holding, commit);
		this.#wakeup.soon();
		await accepted;
	}

	abandon(partition: Partition, fence: bigint): void {
		const holding = this.#incarnation?.holdings.get(partitionKey(partition));
		this.#stuck.add(partitionKey(partition));
		if (!holding || holding.fence !== fence || holding.phase === "gone") return;
		this.#incarnation?.abandon(holding);
		this.#wakeup.soon();
	}

	returned(partition: Partition): void {
		if (!this.#stuck.delete(partitionKey(partition))) return;
		this.#incarnation?.returned(partitionKey(partition));
		this.#wakeup.soon();
	}

	async leave(options: { readonly drained: boolean; readonly signal?: AbortSignal }): Promise<void> {
		if (this.#ended || this.#closing) return this.#over.promise;
		this.#closing = true;
		const incarnation = this.#incarnation;
		if (options.drained && incarnation && !options.signal?.aborted) {
			incarnation.leaving = this.#request.instanceId === undefined;
			this.#wakeup.soon();
			// After a session timeout the others have noticed anyway.
			const giveUp = this.#context.clock.after(this.#request.sessionTimeoutMs, () => this.destroy());
			const stop = () => this.destroy();
			options.signal?.addEventListener("abort", stop, { once: true });
			await this.#over.promise;
			giveUp();
			options.signal?.removeEventListener("abort", stop);
		}
		this.destroy();
	}

	destroy(): void {
		if (this.#ended) return;
		this.#end.abort();
		this.#reader.stop();
		this.#sender.stop();
		this.#wakeup.stop();
		this.#started.reject(this.#closed());
		this.#started.promise.catch(() => {});
		this.#incarnation?.end(() => this.#closed());
		this.#incarnation = undefined;
		// The driver reports its own trouble; there is nobody left here to tell.
		this.#log.close().catch(() => {});
		this.#over.resolve();
	}

	get #ended(): boolean {
		return this.#end.signal.aborted;
	}

	#closed(): PolylogError {
		return new PolylogError("CLOSED", `the session of group "${this.#request.group}" was closed`, { group: this.#request.group });
	}

	async #run(): Promise<void> {
		try {
			let reboot = true;
			while (!this.#ended) {
				if (reboot) await this.#boot();
				if (this.#closing || this.#ended) break;
				this.#begin();
				reboot = (await this.#serve()).reboot;
			}
			// The last entry is read back; what it committed may still wait for the answer of its append.
			if (!this.#ended)
				await Promise.race([this.#sender.settled, sleep(this.#context.clock, this.#context.timing.retryMs, this.#end.signal)]);
		} catch (error) {
			return this.#fail(error);
		}
		this.destroy();
	}

	/** Finds the place in the journal, however long the broker is away. */
	async #boot(): Promise<void> {
		const { timing } = this.#context;
		const longestMs = longestPause(timing, this.#request.sessionTimeoutMs);
		for (let delayMs = timing.retryMs / 5; !this.#ended; delayMs = Math.min(delayMs * 1.5, longestMs)) {
			try {
				return await this.#follower.boot(this.#end.signal);
			} catch (error) {
				await this.#trouble.waitOut(error, delayMs);
			}
		}
	}

	/** Joins under a new id. */
	#begin(): void {
		const { clock, random, timing, log } = this.#context;
		const { state } = this.#follower;
		const cut = this.#history.compare(this.#follower);
		if (cut)
			log.error(
				`the journal of group "${this.#request.group}" was lost or cut back${cut.offsetsLost ? "; committed offsets are gone" : ""}`,
			);
		const previous = this.#identity.former(state);
		this.#identity.refuseToReplace(state, this.#member);
		const at = instant(clock);
		const incarnation = new Incarnation(random.hex(12), this.#request, timing, this.#log.connection, at.now);
		this.#memberId = incarnation.id;
		this.#identity.use(incarnation.id);
		incarnation.introduce(state, at, {
			previous,
			eraSeen: Math.max(this.#history.era, state.era),
			cut: this.#history.owed,
			barred: this.#stuck,
			topics: this.#duties.counts,
		});
		this.#incarnation = incarnation;
		this.#wakeup.soon();
	}

	/** Reads until this incarnation is over. */
	async #serve(): Promise<Rebirth> {
		const incarnation = this.#incarnation;
		let away = false;
		while (!this.#ended && incarnation !== undefined) {
			if (this.#incarnation !== incarnation) return { reboot: true };
			try {
				if (!(await this.#reader.once((entry) => this.#read(incarnation, entry), away))) continue;
				if (away) incarnation.outbox.reachable(this.#context.clock.now());
				away = false;
			} catch (error) {
				away = true;
				if (this.#ended) break;
				if (isPlaceLost(error)) {
					this.#abort("the journal lost this member's place");
					return { reboot: true };
				}
				await this.#trouble.waitOut(error, this.#context.timing.retryMs / 5);
				continue;
			}
			this.#trouble.over();
			if (this.#incarnation !== incarnation) return { reboot: true };
			this.#history.note(this.#follower);
			if (!this.#follow(incarnation)) return { reboot: false };
		}
		return { reboot: false };
	}

	#read(incarnation: Incarnation, entry: Entry | undefined): void {
		const { state } = this.#follower;
		if (this.#incarnation !== incarnation) return;
		const own = incarnation.read(entry, state, this.#context.clock.now());
		if (own) this.#mirror.show(own.commits.map(({ item, holding }) => [holding.partition, item.offset]));
		if (entry?.kind === "snapshot") this.#duties.snapshotRead(entry);
		if (entry?.kind === "member") this.#chains.compare(entry);
	}

	/** Makes the listener follow what was read; false if this incarnation is no member any more. */
	#follow(incarnation: Incarnation): boolean {
		const { state } = this.#follower;
		const member = state.members.has(incarnation.id);
		if (!incarnation.joined) return incarnation.outbox.current !== undefined || this.#removed(incarnation);
		this.#started.resolve();
		this.#member = true;
		if (!member) return this.#removed(incarnation);
		const { lost, revoked, assigned } = incarnation.holdings.reconcile(state, incarnation.id, this.#log.connection);
		for (const { holding } of lost) incarnation.pending.drop(holding.key);
		for (const [reason, entries] of Map.groupBy(lost, ({ reason }) => reason)) {
			this.#listener.lost(
				entries.map(({ holding }) => holding.partition),
				reason,
			);
		}
		for (const holding of revoked) void this.#revoke(holding);
		if (assigned.length > 0) this.#listener.assigned(assigned);
		this.#wakeup.soon();
		return true;
	}

	#removed(incarnation: Incarnation): boolean {
		if (this.#closing) return false;
		const kind = this.#follower.state.tombs.get(incarnation.id)?.kind;
		if (kind === "replaced") throw this.#identity.replaced();
		if (incarnation.joined)
			this.#abort(
				kind === "gap" ? "the journal lost entries of this member" : "the member was expired: it was silent for its session timeout",
			);
		return false;
	}

	/** Ends the incarnation: what it held is somebody else's, or will be. */
	#abort(reason: string): void {
		if (this.#closing) return this.destroy();
		const incarnation = this.#incarnation;
		this.#incarnation = undefined;
		this.#sender.stop();
		const held = incarnation?.end((commit: PendingCommit) => fenced(commit.holding)) ?? [];
		if (held.length > 0)
			this.#listener.lost(
				held.map(({ partition }) => partition),
				reason,
			);
		this.#reader.interrupt();
	}

	/** Each by itself: a partition whose handler is slow must not hold the others back. */
	async #revoke(holding: Holding): Promise<void> {
		try {
			await this.#listener.revoked([holding.partition]);
		} catch (error) {
			return this.#fail(error);
		}
		if (holding.phase === "revoking") holding.phase = "drained";
		this.#wakeup.soon();
	}

	/** Sends what is due and sets the timer for what comes next. */
	#tick(): void {
		const incarnation = this.#incarnation;
		if (!incarnation || this.#ended) return;
		// A static member keeps its place: once nothing waits, it just stops.
		if (this.#closing && !incarnation.leaving && incarnation.quiet) return this.destroy();
		const at = instant(this.#context.clock);
		try {
			if (!incarnation.outbox.current && incarnation.joined) this.#write(incarnation);
		} catch (error) {
			return this.#fail(error);
		}
		if (incarnation.outbox.current && at.now >= incarnation.outbox.nextTry) this.#sender.send(incarnation);
		const duties = incarnation.joined && incarnation.lease.holds(at) ? this.#duties.run(incarnation, at.now) : Number.POSITIVE_INFINITY;
		const next = incarnation.outbox.current
			? incarnation.outbox.nextTry
			: incarnation.nextAt(this.#follower.state, at, this.#duties.counts);
		this.#wakeup.at(Math.min(next, duties));
	}

	#write(incarnation: Incarnation): void {
		const { state } = this.#follower;
		const at = instant(this.#context.clock);
		const letter = incarnation.compose(state, at, this.#duties.counts);
		if (letter) incarnation.outbox.write(letter, { at: state.index, chain: state.chain }, at);
	}

	/** The end, told once: by `join` while there is no member yet, by the listener after that. */
	#fail(error: unknown): void {
		if (this.#ended) return;
		const told = !this.#closing && this.#member;
		this.#started.reject(error);
		this.#abort(error instanceof Error ? error.message : "the session ended");
		this.destroy();
		if (told) this.#listener.fatal(error);
	}
}
